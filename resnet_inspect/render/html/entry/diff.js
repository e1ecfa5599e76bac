// The page of a comparison: the changes, and both networks side by side.

import {changeList} from "../page/changes.js";
import {unpacked} from "../page/documents.js";
import {html} from "../page/element.js";
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

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
main.append(
  changeList(data.changes, (place) => {
    const pair = data.pairs[data.changes[place].pair];
    const side = pair[1] < 0 ? 0 : 1;
    select(side, pair[side]);
    document.querySelector(".pair .view")?.scrollIntoView({block: "nearest"});
  }),
  html(
    "div",
    {class: "pair"},
    ...nets.map((net, side) => {
      const name = side ? "new" : "old";
      const shown = explorer(net, chosen[side], name);
      shown.dataset.side = name;
      return shown;
    }),
  ),
);
permalink(nets[1], chosen[1]);
document.documentElement.dataset.ready = "";
