// The address of a layer within the page: #layer2.0.conv3.

import {shortened} from "./element.js";
import {revealed} from "./fold.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */

/** Selects what the address names, and names what is selected. @type {(net: Network, chosen: Store) => void} */
export function permalink(net, chosen) {
  const read = () => {
    const wanted = decoded(location.hash.slice(1));
    const node = net.byId.get(wanted);
    if (!wanted) return;
    if (!node) chosen.set({said: `No layer here is called ${shortened(wanted, 200)}.`});
    else if (node !== chosen.state.selected) {
      chosen.set({open: revealed(net, chosen.state.open, node), selected: node, said: ""});
      bringIntoView();
    }
  };
  chosen.listen((change) => {
    if (change.selected === undefined || change.selected <= 0) return;
    try {
      history.replaceState(null, "", `#${encodeURIComponent(net.nodes.id[change.selected])}`);
    } catch {
      // A page inside of a notebook has no address of its own.
    }
  });
  window.addEventListener("hashchange", read, {signal: chosen.ended});
  read();
}

/** A part of an address as people write it. @type {(text: string) => string} */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Scrolls the page to the row and to the box that are selected; to the box, if there isn't room for both. */
function bringIntoView() {
  const box = document.querySelector('.network [aria-selected="true"]');
  const row = document.querySelector('.body [aria-selected="true"]');
  for (const each of [row?.closest(".explorer"), row, box?.querySelector(":scope > .title") ?? box])
    each?.scrollIntoView({block: "nearest", inline: "nearest"});
}
