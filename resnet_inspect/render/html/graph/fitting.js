// Which layout of a network is seen as a whole in the room that there is, and how much can be unfolded so that one is.

import {arrows, deepest, seen} from "../page/fold.js";
import {BOX, GAP, layout} from "./layout.js";

/** @typedef {import("../page/network.js").Network} Network */
/** @typedef {import("./layout.js").Layout} Layout */

/** The space around the network, in pixels of its own. */
export const MARGIN = 12;
/** Zooms at which the words in boxes can be read, and those at which the whole of a large network is looked at. */
export const LEGIBLE = [1, 0.9, 0.8];
export const ANY = [...LEGIBLE, 0.7, 0.6, 0.5, 0.42, 0.35, 0.3, 0.25, 0.2, 0.16, 0.13, 0.1, 0.08, 0.06];

/** What there is room for in an element: none before it is in the page. Borders don't count, nor do scroll bars. @type {(view: HTMLElement) => {width: number, height: number}} */
export function roomIn(view) {
  return {width: view.offsetWidth - 3, height: view.offsetHeight - 3};
}

/**
 * The layout at the largest of the zooms at which nothing is outside of the room, in columns where one is too high;
 * null where there's none. The room is in pixels of the page.
 * @type {(net: Network, shown: import("../page/fold.js").Seen, drawn: import("../page/fold.js").Arrow[], room: {width: number, height: number}, zooms?: number[]) => {zoom: number, placed: Layout} | null}
 */
export function fitting(net, shown, drawn, room, zooms = LEGIBLE) {
  for (const zoom of zooms) {
    const [width, height] = [room.width / zoom - 2 * MARGIN, room.height / zoom - 2 * MARGIN];
    if (!hasPlace(shown.boxes.length, width, height)) continue;
    const placed = layout(net, shown, drawn, height);
    if (placed.width <= width && placed.height <= height) return {zoom, placed};
  }
  return null;
}

/** Whether so many boxes have place at all, without a look at how they connect. @type {(count: number, width: number, height: number) => boolean} */
function hasPlace(count, width, height) {
  return count * BOX.width * (BOX.height + GAP) <= width * (height + GAP);
}

/** The open nodes of the deepest level of which all is seen and can be read. @type {(net: Network, room: {width: number, height: number}) => Set<number>} */
export function fittingFold(net, room) {
  return deepest(net, (open) => {
    const shown = seen(net, open);
    const least = LEGIBLE[LEGIBLE.length - 1];
    if (!hasPlace(shown.boxes.length, room.width / least, room.height / least)) return false;
    return fitting(net, shown, arrows(net, shown).arrows, room) !== null;
  });
}
