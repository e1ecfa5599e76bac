import assert from "node:assert/strict";
import {test} from "node:test";
import {fitting, fittingFold} from "../../resnet_inspect/render/html/graph/fitting.js";
import {layout} from "../../resnet_inspect/render/html/graph/layout.js";
import {arrows, seen} from "../../resnet_inspect/render/html/page/fold.js";
import {folds, networks} from "./python.js";

/** Each network at each of its folds, laid out: below one another, and in columns where there is little room. */
function each(look) {
  for (const [name, net] of Object.entries(networks)) {
    for (const open of folds(net, 8)) {
      const view = seen(net, open);
      const drawn = arrows(net, view).arrows;
      for (const most of [Number.POSITIVE_INFINITY, 400]) {
        const where = `${name} with ${[...open].join(" ")} open, ${most} high`;
        look({net, view, drawn, most, ...layout(net, view, drawn, most)}, where);
      }
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

test("no wire turns on the edge of a frame: what leaves a frame goes on at its port", () => {
  each(({net, view, drawn, places, wires}, where) => {
    const edges = view.frames.slice(1).map((frame) => [frame, places.get(frame)]);
    wires.forEach((points, index) => {
      for (let place = 1; place < points.length; place += 1) {
        const [[x0, y0], [x1, y1]] = [points[place - 1], points[place]];
        if (Math.abs(y0 - y1) >= 1 || Math.abs(x0 - x1) < 1) continue;
        for (const [frame, {x, y, width, height}] of edges) {
          const isOnEdge = Math.abs(y0 - y) < 1 || Math.abs(y0 - y - height) < 1;
          const isBeside = Math.max(x0, x1) <= x || Math.min(x0, x1) >= x + width;
          const {source, target} = drawn[index];
          assert.ok(!isOnEdge || isBeside, `${source} to ${target} at ${net.nodes.id[frame]}, ${where}`);
        }
      }
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

test("a chain that is too high goes on in columns, as few as there is room for", () => {
  const net = networks.resnet50;
  const view = seen(net, new Set([0]));
  const drawn = arrows(net, view).arrows;
  const high = layout(net, view, drawn).height;
  assert.equal(view.boxes.length, 12);
  for (const columns of [1, 2, 3, 4, 6]) {
    // Twelve boxes of 42 pixels in columns, with 18 between two of a column, and 10 above and below them.
    const rows = 12 / columns;
    const wanted = 42 * rows + 18 * (rows - 1) + 20;
    const {places, height} = layout(net, view, drawn, wanted);
    assert.equal(height, wanted);
    assert.ok(columns > 1 || height === high);
    assert.equal(new Set(view.boxes.map((box) => places.get(box).x)).size, columns);
    assert.equal(new Set(view.boxes.map((box) => places.get(box).y)).size, rows);
    // In the order of the network, down each column.
    const order = [...view.boxes].sort(
      (a, b) => places.get(a).x - places.get(b).x || places.get(a).y - places.get(b).y,
    );
    assert.deepEqual(order, view.boxes);
  }
});

test("where more than one wire leads on, nothing is cut", () => {
  const net = networks.dense;
  const view = seen(net, new Set([0, 2]));
  const drawn = arrows(net, view).arrows;
  const [high, wrapped] = [layout(net, view, drawn), layout(net, view, drawn, 200)].map(({places}) => places.get(2));
  assert.ok(high.height > 600);
  assert.deepEqual([wrapped.width, wrapped.height], [high.width, high.height]);
});

test("the first fold is the deepest level of which all is seen", () => {
  for (const [name, net] of Object.entries(networks)) {
    for (const room of [
      {width: 300, height: 500},
      {width: 760, height: 560},
      {width: 1e5, height: 1e5},
    ]) {
      const open = fittingFold(net, room);
      const levels = Math.max(...net.depth.filter((_, node) => net.nodes.layer[node] < 0));
      const depth = Math.max(...[...open].map((node) => net.depth[node]));
      const level = (most) =>
        new Set(net.depth.flatMap((own, node) => (net.nodes.layer[node] < 0 && own <= most ? [node] : [])));
      const fits = (nodes) => {
        const view = seen(net, nodes);
        return fitting(net, view, arrows(net, view).arrows, room);
      };
      assert.deepEqual(open, level(depth), name);
      const found = fits(open);
      assert.ok(depth === 0 || found, name);
      assert.ok(depth === levels || !fits(level(depth + 1)), name);
      if (!found) continue;
      assert.ok(found.zoom >= 0.8 && found.placed.width * found.zoom <= room.width, name);
      assert.ok(found.placed.height * found.zoom <= room.height, name);
    }
  }
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
