// The address of a layer within the page: #layer2.0.conv3.

import {revealed} from "./fold.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */

/** Selects what the address names, and names what is selected. @type {(net: Network, chosen: Store) => void} */
export function permalink(net, chosen) {
  const read = () => {
    let wanted = "";
    try {
      wanted = decodeURIComponent(location.hash.slice(1));
    } catch {
      return;
    }
    const node = net.byId.get(wanted);
    if (wanted && node && node !== chosen.state.selected)
      chosen.set({open: revealed(net, chosen.state.open, node), selected: node});
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
