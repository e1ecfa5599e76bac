// Where boxes, frames and arrows stand. Each open module is laid out by itself, the inner ones first: its nodes in
// ranks by the longest path, side by side where paths part. An arrow over more than one rank goes down beside the
// nodes between, in a free column or in a lane to the right. Arrows that enter or leave a frame do so at its ports,
// which the frame around connects. What is taller than there is room for goes on beside itself.

import {columns, EDGE, largest, push, ranks} from "./ranks.js";
import {wrapped} from "./wrap.js";

/** @typedef {import("../page/network.js").Network} Network */
/** @typedef {import("../page/fold.js").Seen} Seen */
/** @typedef {import("../page/fold.js").Arrow} Arrow */
/** @typedef {[number, number]} Point */

/**
 * The part of an arrow within one frame; -1 stands for the frame's own edge. All arrows of one source share a lane.
 * @typedef {{from: number, to: number, source: number, points: Point[]}} Part
 */

/** @typedef {{x: number, y: number, width: number, height: number}} Place */

/**
 * A node while it is placed: the x of its first column, where what enters and leaves has its ports, by source.
 * @typedef {{width: number, height: number, spine: number, entries: Map<number, number>, exits: Map<number, number>}} Item
 */

export const BOX = {width: 208, height: 42};
const TITLE = 24;
/** The height between two boxes that are one below the other. */
export const GAP = 18;
const SIDE = 14;
const SIGN = 28;
const BETWEEN = 26;
const LANE = 12;
const PORT = 12;
const TRACK = 6;
const MOST_TRACKS = 10;

/** @typedef {{places: Map<number, Place>, wires: Point[][], width: number, height: number}} Layout */

/**
 * Places by node, and the points of each arrow. No frame is higher than `most`, as far as its ranks can be cut.
 * @type {(net: Network, view: Seen, drawn: Arrow[], most?: number) => Layout}
 */
export function layout(net, view, drawn, most = Number.POSITIVE_INFINITY) {
  /** @type {Map<number, Map<string, Part>>} */
  const inside = new Map(view.frames.map((frame) => [frame, new Map()]));
  const chains = drawn.map((arrow) => chain(net, arrow, inside));
  /** @type {Map<number, Item>} */
  const items = new Map();
  for (const box of view.boxes) items.set(box, {...BOX, spine: BOX.width / 2, entries: new Map(), exits: new Map()});
  /** @type {Map<number, Map<number, Point>>} */
  const offsets = new Map();
  for (const frame of [...view.frames].reverse()) {
    const parts = [...(inside.get(frame) ?? new Map()).values()];
    const placed = arranged(net, frame, parts, items, most - 2 * GAP * net.depth[frame]);
    items.set(frame, placed.item);
    offsets.set(frame, placed.offsets);
  }
  /** @type {Map<number, Place>} */
  const places = new Map();
  for (const frame of view.frames) {
    const own = /** @type {Item} */ (items.get(frame));
    const at = places.get(frame) ?? {x: 0, y: 0, width: own.width, height: own.height};
    places.set(frame, at);
    for (const [node, [x, y]] of offsets.get(frame) ?? []) {
      const {width, height} = /** @type {Item} */ (items.get(node));
      places.set(node, {x: at.x + x, y: at.y + y, width, height});
    }
  }
  const wires = chains.map((parts) =>
    parts.flatMap(([frame, part]) => {
      const at = /** @type {Place} */ (places.get(frame));
      return part.points.map(([x, y]) => /** @type {Point} */ ([at.x + x, at.y + y]));
    }),
  );
  const whole = /** @type {Place} */ (places.get(0));
  return {places, wires: wires.map(straightened), width: whole.width, height: whole.height};
}

/**
 * The parts of an arrow from frame to frame: out of those around its source, across, into those around its target.
 * @type {(net: Network, arrow: Arrow, inside: Map<number, Map<string, Part>>) => [number, Part][]}
 */
function chain(net, arrow, inside) {
  const {parent} = net.nodes;
  /** @type {[number, Part][]} */
  const out = [];
  /** @type {[number, Part][]} */
  const into = [];
  /** @type {(frame: number, from: number, to: number) => [number, Part]} */
  const part = (frame, from, to) => {
    const parts = /** @type {Map<string, Part>} */ (inside.get(frame));
    const key = `${from} ${to} ${arrow.source}`;
    const found = parts.get(key) ?? {from, to, source: arrow.source, points: []};
    parts.set(key, found);
    return [frame, found];
  };
  let [from, to] = [arrow.source, arrow.target];
  while (parent[from] !== parent[to]) {
    if (net.depth[from] >= net.depth[to]) {
      out.push(part(parent[from], from, EDGE));
      from = parent[from];
    } else {
      into.unshift(part(parent[to], EDGE, to));
      to = parent[to];
    }
  }
  return [...out, part(parent[from], from, to), ...into];
}

/**
 * A frame's own layout; the points of its parts are filled in.
 * @type {(net: Network, frame: number, parts: Part[], items: Map<number, Item>, most: number) => {item: Item, offsets: Map<number, Point>}}
 */
function arranged(net, frame, parts, items, most) {
  const nodes = [...net.children[frame]].sort((a, b) => net.first[a] - net.first[b]);
  const rank = ranks(nodes, parts);
  const last = largest(rank.values(), -1) + 1;
  /** @type {(part: Part) => number} */
  const start = (part) => rank.get(part.from) ?? -1;
  /** @type {(part: Part) => number} */
  const stop = (part) => rank.get(part.to) ?? last;
  const column = columns(nodes, parts, rank);
  const taken = new Set(nodes.map((node) => `${rank.get(node)} ${column.get(node)}`));

  // What goes over more than one rank, by source: down a free column, or a lane.
  /** @type {Map<string, {parts: Part[], low: number, high: number, column: number, x: number}>} */
  const long = new Map();
  for (const part of parts) {
    if (stop(part) === start(part) + 1) continue;
    const isBack = stop(part) <= start(part);
    const [low, high] = isBack ? [stop(part), start(part)] : [start(part) + 1, stop(part) - 1];
    const key = `${part.from} ${part.source}`;
    const lane = long.get(key) ?? {parts: [], low, high, column: -1, x: 0};
    long.set(key, lane);
    lane.parts.push(part);
    lane.low = Math.min(lane.low, low);
    lane.high = Math.max(lane.high, high);
  }
  const lanes = [...long.values()].sort((a, b) => a.high - a.low - (b.high - b.low));
  for (const lane of lanes) {
    const [only, more] = lane.parts;
    if (more || stop(only) <= start(only)) continue;
    for (const wanted of [column.get(only.from) ?? 0, column.get(only.to) ?? 0]) {
      const cells = Array.from({length: lane.high - lane.low + 1}, (_, step) => `${lane.low + step} ${wanted}`);
      if (lane.column >= 0 || cells.some((cell) => taken.has(cell))) continue;
      lane.column = wanted;
      for (const cell of cells) taken.add(cell);
    }
  }

  // From left to right: columns, each as near as its ranks allow, then lanes, the short ones inside.
  const edge = new Array(last + 1).fill(SIDE - BETWEEN);
  /** @type {number[]} */
  const center = [];
  const widest = largest(column.values(), 0);
  for (let at = 0; at <= widest; at += 1) {
    const own = nodes.filter((node) => column.get(node) === at);
    const passing = lanes.filter((lane) => lane.column === at);
    center[at] = SIDE;
    for (const node of own) {
      const left = edge[rank.get(node) ?? 0] + BETWEEN + of(items, node).spine;
      center[at] = Math.max(center[at], left);
    }
    for (const lane of passing) {
      for (let row = lane.low; row <= lane.high; row += 1) center[at] = Math.max(center[at], edge[row] + BETWEEN);
    }
    for (const node of own) {
      const item = of(items, node);
      edge[rank.get(node) ?? 0] = center[at] + item.width - item.spine;
    }
    for (const lane of passing) {
      lane.x = center[at];
      for (let row = lane.low; row <= lane.high; row += 1) edge[row] = Math.max(edge[row], center[at]);
    }
  }
  for (const lane of lanes.filter((each) => each.column < 0)) {
    lane.x = largest(edge.slice(lane.low, lane.high + 1), center[0]) + LANE;
    for (let row = lane.low; row <= lane.high; row += 1) edge[row] = lane.x;
  }

  // Ports: at the spine what goes straight, beside it all else.
  const entries = ports(
    parts.filter((part) => part.from === EDGE),
    center[0],
    (part) => column.get(part.to) === 0 && stop(part) === 0,
  );
  const exits = ports(
    parts.filter((part) => part.to === EDGE),
    center[0],
    (part) => column.get(part.from) === 0 && start(part) === last - 1,
  );
  /** @type {(part: Part) => number} */
  const left = (part) => {
    if (part.from === EDGE) return /** @type {number} */ (entries.get(part.source));
    const item = of(items, part.from);
    return center[column.get(part.from) ?? 0] + (item.exits.get(part.source) ?? item.spine) - item.spine;
  };
  /** @type {Map<Part, {lane: typeof lanes[number] | undefined, from: number, to: number}>} */
  const routes = new Map();
  const laneOf = new Map(lanes.flatMap((lane) => lane.parts.map((part) => [part, lane])));
  for (const part of parts) routes.set(part, {lane: laneOf.get(part), from: left(part), to: 0});
  /** @type {Map<number, Part[]>} */
  const into = new Map();
  for (const part of parts) if (part.to !== EDGE) push(into, part.to, part);
  for (const [node, entering] of into) {
    const item = of(items, node);
    const middle = center[column.get(node) ?? 0];
    let [toRight, toLeft] = [0, 0];
    for (const part of entering) {
      const route = /** @type {NonNullable<ReturnType<typeof routes.get>>} */ (routes.get(part));
      const near = route.lane ? route.lane.x : route.from;
      const port = item.entries.get(part.source);
      if (port !== undefined) route.to = middle - item.spine + port;
      else if (entering.length === 1 || Math.abs(near - middle) < 1) route.to = middle;
      else if (near > middle) {
        toRight += PORT;
        route.to = middle + Math.min(toRight, item.spine - PORT);
      } else {
        toLeft += PORT;
        route.to = middle - Math.min(toLeft, item.spine - PORT);
      }
    }
  }
  for (const part of parts) {
    if (part.to === EDGE) /** @type {any} */ (routes.get(part)).to = exits.get(part.source);
  }

  // From above to below: between two ranks, arrows that turn have a line each, as far as there is room.
  const tracks = Array.from({length: last + 1}, () => /** @type {Map<string, number>} */ (new Map()));
  /** @type {(gap: number, part: Part) => void} */
  const turn = (gap, part) => {
    const key = `${part.from} ${part.source}`;
    if (!tracks[gap].has(key)) tracks[gap].set(key, tracks[gap].size % MOST_TRACKS);
  };
  for (const [part, route] of routes) {
    if (!route.lane) {
      if (Math.abs(route.from - route.to) >= 1) turn(stop(part), part);
      continue;
    }
    if (Math.abs(route.from - route.lane.x) >= 1) turn(start(part) + 1, part);
    if (Math.abs(route.to - route.lane.x) >= 1) turn(stop(part), part);
  }
  const heights = new Array(last).fill(0);
  for (const node of nodes)
    heights[rank.get(node) ?? 0] = Math.max(heights[rank.get(node) ?? 0], of(items, node).height);
  /** @type {number[]} */
  const gaps = [];
  /** @type {number[]} */
  const tops = [];
  // The whole network has no title, and nothing enters or leaves it.
  const outside = frame ? GAP : GAP - 8;
  let y = frame ? TITLE : outside - GAP;
  for (let row = 0; row <= last; row += 1) {
    gaps.push(y);
    y += (row < last ? GAP : outside) + TRACK * Math.min(tracks[row].size, MOST_TRACKS);
    tops.push(y);
    if (row < last) y += heights[row];
  }

  // Ranks that there is no room for below one another are moved.
  const bottoms = heights.map((each, row) => tops[row] + each);
  const reach = edge.slice(0, last);
  if (y > most) reach[0] = largest(entries.values(), reach[0]);
  const moves = y > most && last > 1 ? wrapped(parts, start, stop, reach, tops, bottoms, most - tops[0] - outside) : [];
  const still = {x: 0, y: 0, rise: 0};
  /** @type {(row: number) => typeof still} */
  const move = (row) => moves[Math.max(0, Math.min(row, last - 1))] ?? still;
  const height = largest(
    bottoms.map((each, row) => each + move(row).y + outside),
    y + move(last).y,
  );
  for (const [source, x] of exits) exits.set(source, x + move(last).x);
  const rights = edge.map((each, row) => each + move(row).x);
  // Beside a box there's the sign of what is folded in it; a frame's may stand over its edge.
  const width = largest([...rights, ...entries.values(), ...exits.values()], frame ? 150 : 0) + (frame ? SIDE : SIGN);

  /** @type {Map<number, Point>} */
  const offsets = new Map();
  for (const node of nodes) {
    const row = rank.get(node) ?? 0;
    offsets.set(node, [center[column.get(node) ?? 0] - of(items, node).spine + move(row).x, tops[row] + move(row).y]);
  }
  for (const [part, route] of routes) {
    const [above, below] = [move(start(part)), move(stop(part))];
    const from = route.from + above.x;
    const to = part.to === EDGE ? /** @type {number} */ (exits.get(part.source)) : route.to + below.x;
    const begins = part.from === EDGE ? 0 : tops[start(part)] + of(items, part.from).height + above.y;
    const ends = part.to === EDGE ? height : tops[stop(part)] + below.y;
    /** @type {(gap: number) => number} */
    const level = (gap) => gaps[gap] + GAP / 2 + TRACK * (tracks[gap].get(`${part.from} ${part.source}`) ?? 0);
    const arrive = level(stop(part)) + below.y;
    if (above.x !== below.x) {
      const leave = level(stop(part)) + above.y;
      const enter = tops[0] - GAP / 2;
      part.points.push(
        [from, begins],
        [from, leave],
        [above.rise, leave],
        [above.rise, enter],
        [to, enter],
        [to, ends],
      );
    } else if (route.lane) {
      const leave = level(start(part) + 1) + above.y;
      const lane = route.lane.x + above.x;
      part.points.push([from, begins], [from, leave], [lane, leave], [lane, arrive], [to, arrive], [to, ends]);
    } else {
      part.points.push([from, begins], [from, arrive], [to, arrive], [to, ends]);
    }
  }
  return {item: {width, height, spine: center[0], entries, exits}, offsets};
}

/** @type {(items: Map<number, Item>, node: number) => Item} */
function of(items, node) {
  return /** @type {Item} */ (items.get(node));
}

/**
 * The x of each source at a frame's edge.
 * @type {(parts: Part[], spine: number, isStraight: (part: Part) => boolean) => Map<number, number>}
 */
function ports(parts, spine, isStraight) {
  /** @type {Map<number, number>} */
  const found = new Map();
  const first = parts.find(isStraight) ?? parts[0];
  if (first) found.set(first.source, spine);
  for (const {source} of parts) {
    if (!found.has(source)) found.set(source, spine + PORT * found.size);
  }
  return found;
}

/** The points without those on a straight line. @type {(points: Point[]) => Point[]} */
function straightened(points) {
  /** @type {Point[]} */
  const found = [];
  for (const point of points) {
    const [before, last] = [found.at(-2), found.at(-1)];
    if (last && Math.abs(last[0] - point[0]) < 0.5 && Math.abs(last[1] - point[1]) < 0.5) continue;
    const isOnLine =
      last &&
      before &&
      ((before[0] === last[0] && last[0] === point[0]) || (before[1] === last[1] && last[1] === point[1]));
    if (isOnLine) found.pop();
    found.push(point);
  }
  return found;
}
