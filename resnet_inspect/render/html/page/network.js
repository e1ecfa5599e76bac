// One network: the tree of its nodes, their amounts and words, edges between layers, residual blocks.

/** @typedef {import("./units.js").Amount} Amount */

/**
 * A column of amounts. `texts` are cells that the column's word doesn't give, by node.
 * @typedef {{key: string, title: string, word: string, amounts: Amount[], texts: Record<string, string>}} Column
 */

/**
 * A residual block; `fork`, `join` and `inside` are layers.
 * @typedef {{path: string, kind: string, form: string, fork: number, join: number, inside: number[], breaks: string[]}} Block
 */

/**
 * What Python writes of a network. Nodes are lists of equal length, in the order of the unfolded tree, the network
 * itself first. An edge is [source, target] in layers, and of a shortcut also its kind and its block, or -1.
 * @typedef {{
 *   title: string, hasGraph: boolean, totals: [string, string][],
 *   nodes: {parent: number[], id: string[], label: string[], family: string[], layer: number[], count: number[], type: string[], output: string[]},
 *   columns: Column[], edges: [number, number, string?, number?][], blocks: Block[], formulas: Record<string, string>,
 *   memory: {live: Amount[], peak: number, alive: [number, Amount][], others: number} | null,
 *   marks?: Record<string, string>, notes?: Record<string, string>,
 * }} Written
 */

/**
 * A network to fold and draw. `end` is the position behind a node's last one inside, `first` its first layer.
 * @typedef {Written & {
 *   size: number, end: number[], depth: number[], first: number[], children: number[][], nodeOf: number[],
 *   byId: Map<string, number>,
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
  return {...written, size, end, depth, first, children, nodeOf, byId};
}

/** Whether a node is a layer, and not a module. @type {(net: Network, node: number) => boolean} */
export function isLayer(net, node) {
  return net.nodes.layer[node] >= 0;
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

/** How people call a node: its label, and how many equal ones a run has. @type {(net: Network, node: number) => string} */
export function called(net, node) {
  const count = net.nodes.count[node];
  return (node ? net.nodes.label[node] : net.title) + (count > 1 ? `  ×${count}` : "");
}
