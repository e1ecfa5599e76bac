// One network: graph, details and table side by side.

import {details} from "./details.js";
import {html} from "./element.js";
import {graph} from "./graph.js";
import {search} from "./search.js";
import {table} from "./table.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./details.js").Layer} Layer */

/** `name` tells two networks of one page apart. @type {(net: Network, chosen: Store, layers: () => Layer[], name?: string) => HTMLElement} */
export function explorer(net, chosen, layers, name = "") {
  const side = html("div", {class: "side"}, details(net, chosen, layers, name), table(net, chosen));
  return html(
    "section",
    {class: "explorer", "aria-label": `${net.title} ${name}`.trim()},
    ...(name ? [html("h2", {}, `${name}: ${net.title}`)] : []),
    search(net, chosen, name),
    graph(net, chosen, name),
    side,
  );
}
