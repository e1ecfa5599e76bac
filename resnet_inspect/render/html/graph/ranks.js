// The rank and the column of each node in a frame: how far down it stands, and on which of the paths side by side.

/** @typedef {import("./layout.js").Part} Part */

/** What stands for the frame's own edge as an end of a part. */
export const EDGE = -1;

/** Adds to the list of a key. @type {<K, V>(lists: Map<K, V[]>, key: K, value: V) => void} */
export function push(lists, key, value) {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** The largest, however many there are. @type {(values: Iterable<number>, least: number) => number} */
export function largest(values, least) {
  let most = least;
  for (const value of values) most = Math.max(most, value);
  return most;
}

/**
 * The longest path to each node, along parts that run forward. What nothing leads to stands above what it leads to, and
 * what leads nowhere either stands below all else.
 * @type {(nodes: number[], parts: Part[]) => Map<number, number>}
 */
export function ranks(nodes, parts) {
  const order = new Map(nodes.map((node, place) => [node, place]));
  const inner = parts.filter((part) => part.from !== EDGE && part.to !== EDGE);
  /** @type {Map<number, number[]>} */
  const before = new Map();
  /** @type {Map<number, number[]>} */
  const behind = new Map();
  const led = new Set(parts.filter((part) => part.from === EDGE).map((part) => part.to));
  for (const {from, to} of inner) {
    if (/** @type {number} */ (order.get(from)) >= /** @type {number} */ (order.get(to))) continue;
    push(before, to, from);
    push(behind, from, to);
  }
  /** @type {Map<number, number>} */
  const rank = new Map();
  const joined = new Set(parts.flatMap((part) => [part.from, part.to]));
  const isList = !inner.length;
  const [apart, connected] = [nodes.filter((node) => !joined.has(node)), nodes.filter((node) => joined.has(node))];
  let deepest = -1;
  for (const node of isList ? nodes : connected) {
    const above = (before.get(node) ?? []).map((each) => rank.get(each) ?? -1);
    const own = isList && !led.has(node) ? deepest + 1 : 1 + largest(above, -1);
    rank.set(node, own);
    deepest = Math.max(deepest, own);
  }
  for (const node of [...nodes].reverse()) {
    const below = behind.get(node) ?? [];
    if (before.has(node) || led.has(node) || !below.length) continue;
    rank.set(node, Math.max(0, Math.min(...below.map((each) => rank.get(each) ?? 0)) - 1));
  }
  if (!isList) apart.forEach((node, at) => void rank.set(node, deepest + 1 + at));
  return rank;
}

/**
 * Columns: a node stands below the leftmost of those that lead to it, the longest path first, or beside.
 * @type {(nodes: number[], parts: Part[], rank: Map<number, number>) => Map<number, number>}
 */
export function columns(nodes, parts, rank) {
  /** @type {Map<number, number[]>} */
  const above = new Map();
  /** @type {Map<number, number>} */
  const length = new Map();
  /** @type {Map<number, number[]>} */
  const below = new Map();
  for (const {from, to} of parts) {
    if ((rank.get(from) ?? -1) >= (rank.get(to) ?? Number.MAX_SAFE_INTEGER)) continue;
    if (to !== EDGE) push(above, to, from);
    if (from !== EDGE && to !== EDGE) push(below, from, to);
  }
  for (const node of [...nodes].reverse()) {
    length.set(node, 1 + Math.max(0, ...(below.get(node) ?? []).map((each) => length.get(each) ?? 0)));
  }
  /** @type {Map<number, number[]>} */
  const byRank = new Map();
  for (const node of nodes) {
    const own = rank.get(node) ?? 0;
    push(byRank, own, node);
  }
  /** @type {Map<number, number>} */
  const column = new Map();
  for (const row of [...byRank.keys()].sort((a, b) => a - b)) {
    const used = new Set();
    const own = /** @type {number[]} */ (byRank.get(row));
    for (const node of own.sort((a, b) => (length.get(b) ?? 0) - (length.get(a) ?? 0))) {
      let at = Math.min(...(above.get(node) ?? [EDGE]).map((each) => column.get(each) ?? 0));
      while (used.has(at)) at += 1;
      used.add(at);
      column.set(node, at);
    }
  }
  return column;
}
