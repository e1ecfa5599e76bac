// What the tests take from Python: networks as a page is given them, and numbers with their texts.

import {execFileSync} from "node:child_process";
import {existsSync} from "node:fs";
import {fileURLToPath} from "node:url";
import {network} from "../../resnet_inspect/render/html/page/network.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OWN = `${ROOT}/.venv/bin/python`;
const python = process.env.TESTS_PYTHON ?? (existsSync(OWN) ? OWN : "python3");
const said = execFileSync(python, ["-m", "tests.javascript.from_python"], {cwd: ROOT, maxBuffer: 2 ** 28});

export const {copied, levels, networks: written, worded} = JSON.parse(said.toString());

/** Networks by name, ready to fold. */
export const networks = Object.fromEntries(Object.entries(written).map(([name, data]) => [name, network(data)]));

/** Numbers from 0 to 1, the same in each run. */
export function chance(seed) {
  let state = seed + 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

/** Sets of open nodes: none, all, each level, and random ones, in which a closed node may hold open ones. */
export function folds(net, count = 12) {
  const modules = net.depth.map((_, node) => node).filter((node) => net.nodes.layer[node] < 0);
  const levels = Math.max(...modules.map((node) => net.depth[node]));
  const found = Array.from({length: levels + 1}, (_, level) => modules.filter((node) => net.depth[node] <= level));
  const random = chance(net.size);
  for (let made = 0; made < count && modules.length > 1; made += 1) {
    const share = random();
    found.push(modules.filter((node) => node === 0 || random() < share));
  }
  return found.map((open) => new Set(open));
}
