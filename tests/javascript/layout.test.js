import assert from "node:assert/strict";
import {test} from "node:test";
import {arrows, seen} from "../../resnet_inspect/render/html/page/fold.js";
import {layout} from "../../resnet_inspect/render/html/page/layout.js";
import {folds, networks} from "./python.js";

/** Each network at each of its folds, laid out. */
function each(look) {
  for (const [name, net] of Object.entries(networks)) {
    for (const open of folds(net, 8)) {
      const view = seen(net, open);
      const drawn = arrows(net, view).arrows;
      look({net, view, drawn, ...layout(net, view, drawn)}, `${name} with ${[...open].join(" ")} open`);
    }
  }
}

const overlap = (a, b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
const within = (a, b) => a.x >= b.x && a.y >= b.y && a.x + a.width <= b.x + b.width && a.y + a.height <= b.y + b.height;

test("no two boxes overlap, and what is inside of a module is inside of its frame, below its title", () => {
  each(({net, view, places, width, height}, where) => {
    assert.deepEqual(new Set(places.keys()), new Set([...view.boxes, ...view.frames]), where);
    const byFrame = new Map();
    for (const [node, place] of places) {
      if (!node) continue;
      const frame = net.nodes.parent[node];
      const around = places.get(frame);
      assert.ok(within(place, around), `${node} in ${frame}, ${where}`);
      assert.ok(frame === 0 || place.y >= around.y + 22, `${node} over the title of ${frame}, ${where}`);
      for (const other of byFrame.get(frame) ?? [])
        assert.ok(!overlap(place, places.get(other)), `${node} and ${other}, ${where}`);
      byFrame.set(frame, [...(byFrame.get(frame) ?? []), node]);
    }
    assert.deepEqual(places.get(0), {x: 0, y: 0, width, height}, where);
  });
});

test("a wire begins at its source's bottom and ends at its target's top, in right angles", () => {
  each(({drawn, places, wires, width, height}, where) => {
    assert.equal(wires.length, drawn.length, where);
    wires.forEach((points, index) => {
      const {source, target} = drawn[index];
      const [from, to] = [places.get(source), places.get(target)];
      const [[x0, y0], [x1, y1]] = [points[0], points.at(-1)];
      const what = `${source} to ${target}, ${where}`;
      assert.ok(Math.abs(y0 - from.y - from.height) < 1 && x0 > from.x && x0 < from.x + from.width, what);
      assert.ok(Math.abs(y1 - to.y) < 1 && x1 > to.x && x1 < to.x + to.width, what);
      points.forEach(([x, y], place) => {
        assert.ok(x >= 0 && x <= width && y >= 0 && y <= height, what);
        const [before, above] = points[place - 1] ?? [x, y];
        assert.ok(Math.abs(x - before) < 1 || Math.abs(y - above) < 1, `${what}: ${points.join("; ")}`);
      });
    });
  });
});

test("no wire goes through a box", () => {
  each(({view, drawn, places, wires}, where) => {
    wires.forEach((points, index) => {
      for (let place = 1; place < points.length; place += 1) {
        const [[x0, y0], [x1, y1]] = [points[place - 1], points[place]];
        const stroke = {x: Math.min(x0, x1), y: Math.min(y0, y1), width: Math.abs(x0 - x1), height: Math.abs(y0 - y1)};
        for (const box of view.boxes) {
          const {source, target} = drawn[index];
          assert.ok(!overlap(stroke, places.get(box)), `${source} to ${target} through ${box}, ${where}`);
        }
      }
    });
  });
});

test("the same fold gives the same picture", () => {
  for (const net of Object.values(networks)) {
    for (const open of folds(net, 2)) {
      const made = [open, new Set([...open].reverse())].map((nodes) => {
        const view = seen(net, nodes);
        const placed = layout(net, view, arrows(net, view).arrows);
        return JSON.stringify([[...placed.places].sort(([a], [b]) => a - b), placed.wires]);
      });
      assert.equal(made[0], made[1]);
    }
  }
});
