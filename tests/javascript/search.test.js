import assert from "node:assert/strict";
import {test} from "node:test";
import {matches} from "../../resnet_inspect/render/html/page/search.js";
import {networks} from "./python.js";

const net = networks.resnet50;
const ids = (text) => matches(net, text).map((node) => net.nodes.id[node]);

test("a search finds parts of paths and of types, whatever their case, in the order of the table", () => {
  assert.deepEqual(ids("layer2.0.CONV3"), ["layer2.0.conv3"]);
  assert.deepEqual(ids(" maxpool2d "), ["maxpool"]);
  const found = matches(net, "batchnorm");
  assert.equal(found.length, 53);
  assert.deepEqual(
    found,
    found.toSorted((a, b) => a - b),
  );
  assert.ok(ids("layer3").includes("layer3") && ids("layer3").includes("layer3.5.bn1"));
});

test("a search for nothing finds nothing, and no letter has a meaning of its own", () => {
  for (const text of ["", "   ", "layer9", ".*", "[", "layer2\\.0"]) assert.deepEqual(ids(text), []);
  assert.deepEqual(ids("layer2.0.conv3"), ["layer2.0.conv3"]);
});
