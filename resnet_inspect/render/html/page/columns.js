// The columns of the table: their cells, and how much room they need.

import {marked} from "./network.js";
import {widthOf} from "./ruler.js";
import {exact, worded} from "./units.js";

/** @typedef {import("./network.js").Network} Network */

/** The letters of the table in pixels, and what is beside them in a cell. */
const LETTERS = 13;
const PADDING = 13;
/** The least width of the column of names, and that of numbers. */
export const NAMES = 8 * LETTERS;
const NUMBERS = 7 * LETTERS;
/** So many characters of a word are seen. */
const WORD = 13;
/** Columns that give way where there isn't room for all, the least important first. */
const YIELDING = ["type", "output"];
/** The key of the column that says what is marked. */
export const MARK = "mark";
/** Marks that are long words elsewhere. @type {Record<string, string>} */
const SHORT = {follows: "result", holds: "inside"};

/**
 * A column of the table. `amount` is null for words; `least` is how many pixels wide it is at least.
 * @typedef {{key: string, title: string, text: (node: number) => string, amount: ((node: number) => number | null) | null, exact: (node: number) => string, least: number}} Shown
 */

/** Room for the longest of some words, and for their title with the sign of its order. @type {(title: string, words: string[]) => number} */
function roomFor(title, words) {
  const most = words.reduce((most, word) => Math.max(most, word.length), 0);
  return Math.ceil(
    Math.max(Math.min(most, WORD) * widthOf("0", LETTERS), widthOf(`${title} ↑`, LETTERS, 600)) + PADDING,
  );
}

/** @type {(net: Network) => Shown[]} */
export function columns(net) {
  const words = net.words.map((each) => ({
    key: each.key,
    title: each.title,
    text: (/** @type {number} */ node) => each.texts[node],
    amount: null,
    exact: (/** @type {number} */ node) => each.texts[node],
    least: roomFor(each.title, each.texts),
  }));
  const {marks} = net;
  if (marks && Object.keys(marks).length) {
    const text = (/** @type {number} */ node) => SHORT[marks[node]] ?? marks[node] ?? "";
    const exact = (/** @type {number} */ node) => marked(net, node);
    const said = Object.values(marks).map((mark) => SHORT[mark] ?? mark);
    words.unshift({key: MARK, title: "Mark", text, amount: null, exact, least: roomFor("Mark", said)});
  }
  const amounts = net.columns.map((each) => ({
    key: each.key,
    title: each.title,
    text: (/** @type {number} */ node) => each.texts[node] ?? worded(each.word, each.amounts[node]),
    amount: (/** @type {number} */ node) => (each.amounts[node] === null ? null : Number(each.amounts[node])),
    exact: (/** @type {number} */ node) =>
      each.amounts[node] === null ? (each.texts[node] ?? "n/a") : exact(each.amounts[node]),
    least: Math.max(NUMBERS, roomFor(each.title, [])),
  }));
  return [...words, ...amounts];
}

/** The columns of `wanted` that a width has room for. @type {(all: Shown[], wanted: Set<string>, width: number) => Set<string>} */
export function fitting(all, wanted, width) {
  const found = new Set(wanted);
  const needed = () => all.reduce((sum, each) => sum + (found.has(each.key) ? each.least : 0), NAMES);
  for (const key of YIELDING) if (needed() > width) found.delete(key);
  return found;
}
