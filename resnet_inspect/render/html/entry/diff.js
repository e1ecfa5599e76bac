// The page of a comparison: the changes, and both networks side by side.

import {changeList} from "../page/changes.js";
import {unpacked} from "../page/documents.js";
import {button, emptied, html} from "../page/element.js";
import {explorer} from "../page/explorer.js";
import {firstFold, revealed} from "../page/fold.js";
import {network} from "../page/network.js";
import {permalink} from "../page/permalink.js";
import {store} from "../page/store.js";

/** So many boxes are seen at first in each network, at most. */
const ROOM = 80;

const data = JSON.parse(await unpacked("data"));
const nets = [network(data.old), network(data.new)];
const chosen = nets.map((net) =>
  store(firstFold(net, ROOM, null, (node) => (net.marks?.[node] ?? "follows") !== "follows")),
);

/** The pair that each layer is in, by side. */
const pairOf = nets.map(() => /** @type {number[]} */ ([]));
data.pairs.forEach((/** @type {number[]} */ pair, /** @type {number} */ place) => {
  pair.forEach((layer, side) => {
    if (layer >= 0) pairOf[side][layer] = place;
  });
});
/** Selects a layer of a side, or nothing, and shows it. @type {(side: number, layer: number) => void} */
const select = (side, layer) => {
  const node = nets[side].nodeOf[layer] ?? -1;
  if (node < 0) chosen[side].set({selected: -1});
  else chosen[side].set({open: revealed(nets[side], chosen[side].state.open, node), selected: node});
};
let isFollowing = false;
chosen.forEach((own, side) => {
  own.listen((change) => {
    const layer = nets[side].nodes.layer[change.selected ?? -1] ?? -1;
    if (isFollowing || layer < 0) return;
    isFollowing = true;
    select(1 - side, data.pairs[pairOf[side][layer]][1 - side]);
    isFollowing = false;
  });
});

const NAMES = ["old", "new"];
const sides = html(
  "div",
  {class: "pair"},
  ...nets.map((net, side) => {
    const shown = explorer(net, chosen[side], NAMES[side]);
    shown.dataset.side = NAMES[side];
    return shown;
  }),
);
/** Where there is room for one side only, shows this one: both at the same place. @type {(side: number) => void} */
const turnTo = (side) => {
  sides.dataset.shown = NAMES[side];
  switches.forEach((each, at) => {
    each.setAttribute("aria-pressed", String(at === side));
  });
};
const switches = nets.map((_, side) =>
  button(`Show ${NAMES[side]}`, `Show the ${NAMES[side]} side`, () => turnTo(side)),
);
turnTo(1);

const main = emptied();
main.append(
  changeList(data.changes, data.followers, (place) => {
    const pair = data.pairs[place];
    const side = pair[1] < 0 ? 0 : 1;
    select(side, pair[side]);
    turnTo(side);
    sides.querySelectorAll(".view")[side]?.scrollIntoView({block: "nearest"});
  }),
  html("div", {class: "tools switch"}, ...switches),
  sides,
);
permalink(nets[1], chosen[1]);
document.documentElement.dataset.ready = "";
