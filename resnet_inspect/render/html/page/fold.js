// What is seen of a network while some of its modules are open: pure functions of the network and the open nodes.

import {around, isLayer, isRun} from "./network.js";

/** So many boxes fill a screen. */
export const ROOM = 28;
/** So many boxes and arrows are drawn at once: with more, a browser is slow. */
const MOST_BOXES = 1500;
const MOST_ARROWS = 5000;

/** @typedef {import("./network.js").Network} Network */

/**
 * `boxes` are the nodes that are drawn closed, layers among them; `frames` those that are open; `box` has the box of
 * each layer.
 * @typedef {{boxes: number[], frames: number[], box: number[]}} Seen
 */

/**
 * An arrow between two boxes. `kind` is that of the shortcut which it belongs to, null of any other; `blocks` are the
 * residual blocks whose shortcut it is, or a part of.
 * @typedef {{source: number, target: number, kind: string | null, blocks: number[]}} Arrow
 */

/** @type {(net: Network, open: Set<number>) => Seen} */
export function seen(net, open) {
  const boxes = [];
  const frames = [];
  /** @type {number[]} */
  const box = [];
  for (let node = 0; node < net.size; ) {
    if (node === 0 || (open.has(node) && !isLayer(net, node))) {
      frames.push(node);
      node += 1;
      continue;
    }
    boxes.push(node);
    for (let inner = node; inner < net.end[node]; inner += 1) {
      if (net.nodes.layer[inner] >= 0) box[net.nodes.layer[inner]] = node;
    }
    node = net.end[node];
  }
  return {boxes, frames, box};
}

/** Whether a browser can draw what is seen. @type {(net: Network, open: Set<number>) => boolean} */
export function isDrawable(net, open) {
  const view = seen(net, open);
  return view.boxes.length <= MOST_BOXES && arrows(net, view).arrows.length <= MOST_ARROWS;
}

/**
 * The open nodes of a depth, where that can be drawn, or else of the deepest level at which at most `room` boxes are seen; only those that `isWanted` are opened.
 * @type {(net: Network, room: number, depth?: number | null, isWanted?: (node: number) => boolean) => Set<number>}
 */
export function firstFold(net, room, depth = null, isWanted = () => true) {
  if (depth !== null) {
    const open = new Set([0]);
    // As in other formats, by the parts of a path; nodes that only hold neighbours together have none.
    for (let node = 1; node < net.size; node += 1) {
      const isHigher = isRun(net, node) || net.nodes.id[node].split(".").length < depth;
      if (!isLayer(net, node) && isHigher && open.has(net.nodes.parent[node])) open.add(node);
    }
    if (isDrawable(net, open)) return open;
  }
  return deepest(net, (more) => seen(net, more).boxes.length <= room, isWanted);
}

/**
 * The open nodes of the deepest level that fits; only those that `isWanted` are opened.
 * @type {(net: Network, fits: (open: Set<number>) => boolean, isWanted?: (node: number) => boolean) => Set<number>}
 */
export function deepest(net, fits, isWanted = () => true) {
  let open = new Set([0]);
  for (;;) {
    const closed = seen(net, open).boxes.filter((node) => !isLayer(net, node) && isWanted(node));
    const more = new Set([...open, ...closed]);
    if (!closed.length || !fits(more)) return open;
    open = more;
  }
}

/** The open nodes, and those around a node, so that it is seen. @type {(net: Network, open: Set<number>, node: number) => Set<number>} */
export function revealed(net, open, node) {
  return new Set([...open, ...around(net, node)]);
}

/** The box or frame that shows a node. @type {(net: Network, open: Set<number>, node: number) => number} */
export function shownAs(net, open, node) {
  return (
    around(net, node)
      .filter((outer) => outer && !open.has(outer))
      .pop() ?? node
  );
}

/**
 * The arrows between boxes, and the residual blocks that are folded, by box. Each residual block is one or the other:
 * some arrow is its shortcut, or it is inside of a box.
 * @type {(net: Network, view: Seen) => {arrows: Arrow[], folded: Map<number, number[]>}}
 */
export function arrows(net, view) {
  /** @type {Map<number, number[]>} */
  const folded = new Map();
  const isFolded = net.blocks.map((block) => block.inside.every((layer) => view.box[layer] === view.box[block.join]));
  /** @type {Map<string, Arrow & {plain: boolean}>} */
  const found = new Map();
  const isSeen = net.blocks.map(() => false);
  for (const [from, to, kind, block] of net.edges) {
    const [source, target] = [view.box[from], view.box[to]];
    if (source === target) continue;
    const key = `${source} ${target}`;
    const arrow = found.get(key) ?? {source, target, kind: null, blocks: [], plain: false};
    found.set(key, arrow);
    if (kind === undefined) arrow.plain = true;
    else if (block === undefined || block < 0) arrow.kind ??= kind;
    else if (isFolded[block]) arrow.plain = true;
    else {
      isSeen[block] = true;
      if (!arrow.blocks.includes(block)) arrow.blocks.push(block);
    }
  }
  net.blocks.forEach((block, index) => {
    if (!isSeen[index]) folded.set(view.box[block.join], [...(folded.get(view.box[block.join]) ?? []), index]);
  });
  const drawn = [...found.values()].map(({plain, ...arrow}) => {
    if (arrow.blocks.length) return {...arrow, kind: net.blocks[arrow.blocks[0]].kind};
    return plain ? {...arrow, kind: null} : arrow;
  });
  return {arrows: drawn, folded};
}

/** The rows of a table: every node that isn't inside of a closed one. @type {(net: Network, open: Set<number>) => number[]} */
export function lines(net, open) {
  const found = [];
  for (let node = 1; node < net.size; ) {
    found.push(node);
    node = isLayer(net, node) || open.has(node) ? node + 1 : net.end[node];
  }
  return found;
}
