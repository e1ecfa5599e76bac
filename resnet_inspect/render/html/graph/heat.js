// What the colour of a box says while a quantity is shown as heat.

import {html} from "../page/element.js";
import {known} from "../page/network.js";
import {exact, worded} from "../page/units.js";

/** @typedef {import("../page/network.js").Network} Network */
/** @typedef {import("../page/network.js").Column} Column */

/** The most that a box is coloured, so that the words on it can be read. */
const STRONGEST = 60;

/** How opaque the colour of an amount is where the largest is `most`: by the root, so that small ones are seen too. @type {(amount: number, most: number) => number} */
export function glowing(amount, most) {
  return Math.round(STRONGEST * Math.sqrt(amount / most)) / 100;
}

/** The scale of the boxes that are drawn, from the lowest amount to the highest. @type {(column: Column, boxes: number[]) => (Node | string)[]} */
export function heatScale(column, boxes) {
  /** @type {(node: number) => string} */
  const text = (node) => column.texts[node] ?? worded(column.word, column.amounts[node]);
  const isKnown = (/** @type {number} */ node) => column.amounts[node] !== null || column.known[node] !== undefined;
  const order = boxes.filter(isKnown).sort((a, b) => known(column, a) - known(column, b));
  if (!order.length) return [`${column.title}: not known of any box`];
  const [lowest, highest] = [order[0], order[order.length - 1]];
  const [low, high] = [known(column, lowest), Math.max(1, known(column, highest))];
  const ramp = html("span", {class: "ramp", "aria-hidden": "true"});
  const stops = Array.from({length: 11}, (_, step) => {
    const part = Math.round(100 * glowing(low + ((high - low) * step) / 10, high));
    return `color-mix(in srgb, var(--heat) ${part}%, transparent) ${10 * step}%`;
  });
  ramp.style.backgroundImage = `linear-gradient(to right, ${stops.join(", ")})`;
  const missing = boxes.length - order.length;
  return [
    `${column.title} by box: lowest ${text(lowest)} `,
    ramp,
    ` highest ${text(highest)}. The stronger the red, the more.`,
    missing ? ` Of ${exact(missing)} it isn't known: they have no colour.` : "",
  ];
}
