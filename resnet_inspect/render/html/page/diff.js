// The page of a comparison: the changes, and both networks side by side.

import {changeList} from "./changes.js";
import {unpacked} from "./documents.js";
import {html} from "./element.js";
import {explorer} from "./explorer.js";
import {firstFold, revealed, seen} from "./fold.js";
import {network} from "./network.js";
import {permalink} from "./permalink.js";
import {store} from "./store.js";

const ROOM = 28;
/** So many boxes are seen at first in each network, at most, where many layers differ. */
const MOST = 160;

/** @typedef {import("./network.js").Network} Network */

/** The fold that shows what was edited. @type {(net: Network) => Set<number>} */
function unfolded(net) {
  let open = new Set([0]);
  for (let node = 1; node < net.size; node += 1) {
    const mark = net.marks?.[node];
    if (net.nodes.layer[node] >= 0 && mark && mark !== "follows") open = revealed(net, open, node);
  }
  return open.size > 1 && seen(net, open).boxes.length <= MOST ? open : firstFold(net, ROOM);
}

const data = JSON.parse(await unpacked("data"));
const documents = [JSON.parse(await unpacked("network-old")), JSON.parse(await unpacked("network-new"))];
const nets = [network(data.old), network(data.new)];
const chosen = nets.map((net) => store(unfolded(net)));

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
  }),
  html(
    "div",
    {class: "pair"},
    ...nets.map((net, side) => {
      const name = side ? "new" : "old";
      const shown = explorer(net, chosen[side], () => documents[side].layers, name);
      shown.dataset.side = name;
      return shown;
    }),
  ),
);
permalink(nets[1], chosen[1]);
document.documentElement.dataset.ready = "";
