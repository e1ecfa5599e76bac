import assert from "node:assert/strict";
import {test} from "node:test";
import {
  arrows,
  firstFold,
  isDrawable,
  lines,
  revealed,
  seen,
  shownAs,
} from "../../resnet_inspect/render/html/page/fold.js";
import {network} from "../../resnet_inspect/render/html/page/network.js";
import {folds, networks, levels as rowsOfLevels} from "./python.js";

/** The nodes around a node but the network itself, the outermost first. */
function outer(net, node) {
  const found = [];
  for (let at = net.nodes.parent[node]; at > 0; at = net.nodes.parent[at]) found.unshift(at);
  return found;
}

/** What shows a node, by looking at each node around it: the outermost that is closed, or itself. */
function shown(net, open, node) {
  return outer(net, node).find((each) => !open.has(each)) ?? node;
}

const nodes = (net) => Array.from({length: net.size}, (_, node) => node);
const isModule = (net, node) => net.nodes.layer[node] < 0;

/** Each network at each of its folds. */
function each(look) {
  for (const [name, net] of Object.entries(networks)) {
    for (const open of folds(net)) look(net, open, `${name} with ${[...open].join(" ")} open`);
  }
}

test("each layer is in one box, each open module that is seen is a frame", () => {
  each((net, open, where) => {
    const view = seen(net, open);
    const box = net.nodeOf.map((node) => shown(net, open, node));
    assert.deepEqual(view.box, box, where);
    assert.deepEqual(new Set(view.boxes), new Set(box), where);
    assert.deepEqual(
      view.frames,
      nodes(net).filter(
        (node) => node === 0 || (isModule(net, node) && open.has(node) && shown(net, open, node) === node),
      ),
      where,
    );
  });
});

test("arrows are the edges between boxes, once each", () => {
  each((net, open, where) => {
    const view = seen(net, open);
    const ends = net.edges.map(([from, to]) => [view.box[from], view.box[to]]).filter(([from, to]) => from !== to);
    const drawn = arrows(net, view).arrows.map(({source, target}) => `${source} ${target}`);
    assert.equal(new Set(drawn).size, drawn.length, where);
    assert.deepEqual(new Set(drawn), new Set(ends.map((pair) => pair.join(" "))), where);
  });
});

test("each residual block is an arrow, or folded in exactly one box", () => {
  let [drawn, hidden] = [0, 0];
  each((net, open, where) => {
    const view = seen(net, open);
    const {arrows: found, folded} = arrows(net, view);
    const inside = [...folded.values()].flat();
    assert.equal(new Set(inside).size, inside.length, where);
    for (const [box, blocks] of folded) {
      for (const block of blocks) assert.equal(view.box[net.blocks[block].join], box, where);
    }
    const seenAsArrow = new Set(found.flatMap((arrow) => arrow.blocks));
    net.blocks.forEach((block, index) => {
      const isWhole = block.inside.every((layer) => view.box[layer] === view.box[block.join]);
      const own = net.edges.filter((edge) => edge[3] === index && view.box[edge[0]] !== view.box[edge[1]]);
      assert.equal(seenAsArrow.has(index), !isWhole && own.length > 0, `${block.path}, ${where}`);
      assert.equal(inside.includes(index), !seenAsArrow.has(index), `${block.path}, ${where}`);
      for (const arrow of found) {
        const carries = own.some(([from, to]) => view.box[from] === arrow.source && view.box[to] === arrow.target);
        assert.equal(arrow.blocks.includes(index), !isWhole && carries, `${block.path}, ${where}`);
        if (arrow.blocks.includes(index)) assert.equal(arrow.kind, net.blocks[arrow.blocks[0]].kind, where);
      }
    });
    drawn += seenAsArrow.size;
    hidden += inside.length;
  });
  assert.ok(drawn > 500 && hidden > 500, `${drawn} drawn and ${hidden} folded`);
});

test("an unfolded network has an arrow for each residual block, a folded one has them in boxes", () => {
  for (const [name, count] of [
    ["resnet18", 8],
    ["resnet50", 16],
    ["resnet152", 50],
    ["keras", 16],
  ]) {
    const net = networks[name];
    const all = arrows(net, seen(net, new Set(nodes(net))));
    assert.equal(new Set(all.arrows.flatMap((arrow) => arrow.blocks)).size, count, name);
    assert.equal(all.folded.size, 0, name);
    const none = arrows(net, seen(net, new Set([0])));
    assert.equal([...none.folded.values()].flat().length, count, name);
  }
});

test("the first fold is the deepest level that there is room for", () => {
  for (const [name, net] of Object.entries(networks)) {
    const levels = Math.max(...nodes(net).map((node) => (isModule(net, node) ? net.depth[node] : 0)));
    const level = (most) => new Set(nodes(net).filter((node) => isModule(net, node) && net.depth[node] <= most));
    const boxes = (open) => seen(net, open).boxes.length;
    for (const room of [0, 5, 28, 1e9]) {
      const open = firstFold(net, room);
      const depth = Math.max(...[...open].map((node) => net.depth[node]));
      assert.deepEqual(open, level(depth), name);
      assert.ok(depth === 0 || boxes(open) <= room, name);
      assert.ok(depth === levels || boxes(level(depth + 1)) > room, name);
    }
  }
});

test("a level that is asked for has the rows that a table folded to it has", () => {
  for (const [name, byDepth] of Object.entries(rowsOfLevels)) {
    for (const [depth, rows] of Object.entries(byDepth)) {
      const net = networks[name];
      const boxes = seen(net, firstFold(net, 0, Number(depth))).boxes;
      assert.deepEqual(boxes.map((node) => net.nodes.id[node]).sort(), rows.sort(), `${name} ${depth}`);
    }
  }
});

test("what is revealed is seen, and nothing else is opened", () => {
  each((net, open, where) => {
    for (let node = 1; node < net.size; node += 1) {
      assert.equal(shownAs(net, open, node), shown(net, open, node), where);
    }
    for (let node = 1; node < net.size; node += 1 + Math.floor(net.size / 10)) {
      const more = revealed(net, open, node);
      assert.equal(shownAs(net, more, node), node, where);
      assert.deepEqual(more, new Set([...open, 0, ...outer(net, node)]), where);
    }
  });
});

test("the table has a line for each node that isn't inside of a closed one", () => {
  each((net, open, where) => {
    const wanted = nodes(net).filter((node) => node > 0 && shown(net, open, node) === node);
    assert.deepEqual(lines(net, open), wanted, where);
  });
});

/** A network of modules with a layer each, held together by runs, in which each layer reads so many before it. */
function wide(modules, reads) {
  const size = 120;
  const parent = [-1];
  const layer = [-1];
  const run = [0];
  const edges = [];
  for (let at = 0; at < modules; at += 1) {
    if (at % size === 0) {
      parent.push(0);
      layer.push(-1);
      run.push(1);
    }
    parent.push(run.lastIndexOf(1));
    layer.push(at);
    run.push(0);
    for (let source = Math.max(0, at - reads); source < at; source += 1) edges.push([source, at]);
  }
  const words = (word) => parent.map((_, node) => `${word}${node}`);
  const nodes = {parent, layer, run, id: words("n"), label: words("n"), family: words("f"), count: parent.map(() => 0)};
  return network({nodes, words: [], columns: [], edges, blocks: [], shown: [], title: "wide"});
}

test("a wanted depth is unfolded where a browser can draw it", () => {
  for (const [modules, reads, isWhole] of [
    [1400, 1, true],
    [1600, 1, false],
    [1400, 3, true],
    [1400, 4, false],
  ]) {
    const net = wide(modules, reads);
    const open = firstFold(net, 28, 1);
    assert.equal(isDrawable(net, open), true);
    assert.equal(seen(net, open).boxes.length, isWhole ? modules : Math.ceil(modules / 120), `${modules} ${reads}`);
  }
});
