// One network: the tree of its nodes, their amounts and words, edges between layers, residual blocks.

import {shortened} from "./element.js";

/** @typedef {import("./units.js").Amount} Amount */

/** So many characters of a type or a shape are drawn: a browser is slow with more. */
const SHOWN = 500;

/**
 * A column of amounts. By node, `texts` are cells that the column's word doesn't give, and `known` what is known of
 * amounts that aren't known as a whole.
 * @typedef {{key: string, title: string, word: string, amounts: Amount[], texts: Record<string, string>, known: Record<string, Amount>}} Column
 */

/**
 * A residual block; `join` and `inside` are layers.
 * @typedef {{kind: string, form: string, join: number, inside: number[], breaks: string[]}} Block
 */

/**
 * What Python writes of a network. Nodes are lists of equal length, in the order of the unfolded tree, the network
 * itself first. An edge is [source, target] in layers, and of a shortcut also its kind and its block, or -1.
 * @typedef {{
 *   title: string, hasGraph: boolean, shown: string[],
 *   nodes: {parent: number[], id: string[], label: string[], family: string[], layer: number[], count: number[], run: number[]},
 *   words: {key: string, title: string, texts: string[]}[],
 *   columns: Column[], edges: [number, number, string?, number?][], blocks: Block[], formulas: import("./formulas.js").Formulas,
 *   memory: {live: Amount[], peak: number, alive: [number, Amount][], others: number} | null,
 *   marks?: Record<string, string>, notes?: Record<string, string>,
 * }} Written
 */

/**
 * A network to fold and draw. `end` is the position behind a node's last one inside, `first` its first layer.
 * @typedef {Written & {
 *   size: number, end: number[], depth: number[], first: number[], children: number[][], nodeOf: number[],
 *   byId: Map<string, number>, type: string[], output: string[],
 * }} Network
 */

/** @type {(written: Written) => Network} */
export function network(written) {
  const {parent, layer, id} = written.nodes;
  const size = parent.length;
  const end = parent.map((_, node) => node + 1);
  const first = layer.map((place) => (place < 0 ? Number.MAX_SAFE_INTEGER : place));
  /** @type {number[][]} */
  const children = parent.map(() => []);
  /** @type {number[]} */
  const depth = [];
  /** @type {number[]} */
  const nodeOf = [];
  for (let node = 0; node < size; node += 1) {
    depth.push(node ? depth[parent[node]] + 1 : 0);
    if (node) children[parent[node]].push(node);
    if (layer[node] >= 0) nodeOf[layer[node]] = node;
  }
  for (let node = size - 1; node > 0; node -= 1) {
    end[parent[node]] = Math.max(end[parent[node]], end[node]);
    first[parent[node]] = Math.min(first[parent[node]], first[node]);
  }
  const byId = new Map(id.map((name, node) => [name, node]));
  /** @type {(key: string) => string[]} */
  const texts = (key) =>
    (written.words.find((each) => each.key === key)?.texts ?? []).map((text) => shortened(text, SHOWN));
  return {...written, size, end, depth, first, children, nodeOf, byId, type: texts("type"), output: texts("output")};
}

/** Whether a node is a layer, and not a module. @type {(net: Network, node: number) => boolean} */
export function isLayer(net, node) {
  return net.nodes.layer[node] >= 0;
}

/** Whether a node only holds neighbours together. @type {(net: Network, node: number) => boolean} */
export function isRun(net, node) {
  return net.nodes.run[node] === 1;
}

/** The nodes around a node, the innermost first. @type {(net: Network, node: number) => number[]} */
export function around(net, node) {
  const found = [];
  for (let outer = net.nodes.parent[node]; outer >= 0; outer = net.nodes.parent[outer]) found.push(outer);
  return found;
}

/** The column of a key. @type {(net: Network, key: string) => Column} */
export function column(net, key) {
  const found = net.columns.find((each) => each.key === key);
  if (!found) throw new Error(`no column ${key}`);
  return found;
}

/** What a mark says, in words. @type {Record<string, string>} */
const MARKS = {follows: "differs as a result", holds: "something inside is marked"};

/** What a node is marked with, in words; nothing where it isn't. @type {(net: Network, node: number) => string} */
export function marked(net, node) {
  return inWords(net.marks?.[node] ?? "");
}

/** @type {(mark: string) => string} */
export function inWords(mark) {
  return MARKS[mark] ?? mark;
}

/** An amount as far as it is known, for pictures; 0 where nothing is. @type {(column: Column, node: number) => number} */
export function known(column, node) {
  return Math.max(0, Number(column.amounts[node] ?? column.known[node] ?? 0));
}

/** How people call a node: its label, and how many equal ones a run has. @type {(net: Network, node: number) => string} */
export function called(net, node) {
  const count = net.nodes.count[node];
  return (node ? net.nodes.label[node] : net.title) + (count > 1 ? `  ×${count}` : "");
}
