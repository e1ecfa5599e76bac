import assert from "node:assert/strict";
import {test} from "node:test";
import {hierarchy, treemap, treemapSquarify} from "../../resnet_inspect/render/html/vendor/d3-hierarchy.js";

test("the vendored treemap gives each leaf an area in proportion to its value, inside its parent", () => {
  const tree = {children: [{value: 6}, {children: [{value: 3}, {value: 2}, {value: 0}]}, {value: 1}]};
  const root = hierarchy(tree).sum((node) => node.value ?? 0);
  treemap().size([40, 30]).tile(treemapSquarify).round(false)(root);
  assert.equal(root.value, 12);
  for (const node of root.descendants()) {
    const area = (node.x1 - node.x0) * (node.y1 - node.y0);
    assert.ok(Math.abs(area - node.value * 100) < 1e-9, `${area} for ${node.value}`);
    const {x0, y0, x1, y1} = node.parent ?? node;
    assert.ok(x0 <= node.x0 && y0 <= node.y0 && node.x1 <= x1 + 1e-9 && node.y1 <= y1 + 1e-9);
  }
});
