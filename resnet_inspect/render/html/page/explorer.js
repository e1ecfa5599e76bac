// One network: graph, details and table side by side.

import { html } from "./element.js";
import { details } from "./details.js";
import { graph } from "./graph.js";
import { search } from "./search.js";
import { table } from "./table.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./details.js").Layer} Layer */

/** @type {(net: Network, chosen: Store, layers: () => Layer[]) => HTMLElement} */
export function explorer(net, chosen, layers) {
  const side = html("div", { class: "side" }, details(net, chosen, layers), table(net, chosen));
  return html("section", { class: "explorer", "aria-label": net.title }, search(net, chosen), graph(net, chosen), side);
}
