// A chain of nodes that is taller than there is room for goes on in a column to the right, as a text does in a
// newspaper. It is cut where a single wire leads on.

/** @typedef {import("./layout.js").Part} Part */

/** The width between two columns, which the wire goes up in. */
const BETWEEN = 38;

/**
 * So far are the ranks of a column moved; `rise` is the x of the wire that leads to the next one.
 * @typedef {{x: number, y: number, rise: number}} Move
 */

/**
 * Whether a frame can be cut above each rank: there all that leads on comes from one source, and goes to that rank.
 * @type {(last: number, parts: Part[], start: (part: Part) => number, stop: (part: Part) => number) => boolean[]}
 */
function cuts(last, parts, start, stop) {
  /** @type {(string | null | undefined)[]} */
  const crossing = new Array(last + 1).fill(undefined);
  for (const part of parts) {
    const [low, high] = [start(part) + 1, stop(part)];
    const source = `${part.from} ${part.source}`;
    for (let gap = Math.min(low, high); gap <= Math.max(low, high); gap += 1) {
      const isAlone = low === high && (crossing[gap] === undefined || crossing[gap] === source);
      crossing[gap] = isAlone ? source : null;
    }
  }
  return crossing.map((source, gap) => gap > 0 && gap < last && source !== null);
}

/**
 * The first rank of each column, where none is to be higher than `most`.
 * @type {(tops: number[], bottoms: number[], isCut: boolean[], most: number) => number[]}
 */
function begins(tops, bottoms, isCut, most) {
  const found = [0];
  let cut = 0;
  for (let rank = 1; rank < bottoms.length; rank += 1) {
    if (isCut[rank]) cut = rank;
    const begun = found[found.length - 1];
    if (cut > begun && bottoms[rank] - tops[begun] > most) found.push(cut);
  }
  return found;
}

/**
 * How the ranks of a frame are moved, by rank: into as few columns as there is room for, about equally high.
 * `edges` are the right ends of what stands in each rank, `tops` and `bottoms` its upper and lower ones.
 * @type {(parts: Part[], start: (part: Part) => number, stop: (part: Part) => number, edges: number[], tops: number[], bottoms: number[], most: number) => Move[]}
 */
export function wrapped(parts, start, stop, edges, tops, bottoms, most) {
  const last = bottoms.length;
  const isCut = cuts(last, parts, start, stop);
  let first = begins(tops, bottoms, isCut, most);
  let [low, high] = [most / 2, most];
  while (high - low > 4) {
    const middle = (low + high) / 2;
    const next = begins(tops, bottoms, isCut, middle);
    if (next.length > first.length) low = middle;
    else [first, high] = [next, middle];
  }
  /** @type {Move[]} */
  const moves = [];
  let x = 0;
  first.forEach((begun, at) => {
    const behind = first[at + 1] ?? last;
    const rise = x + Math.max(...edges.slice(begun, behind)) + BETWEEN;
    for (let rank = begun; rank < behind; rank += 1) moves.push({x, y: tops[0] - tops[begun], rise});
    x = rise;
  });
  return moves;
}
