// One network: graph, details and table side by side.

import {graph} from "../graph/graph.js";
import {details} from "./details.js";
import {html} from "./element.js";
import {addKeyHelp} from "./keys.js";
import {search} from "./search.js";
import {table} from "./table.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */

/** `name` tells two networks of one page apart. @type {(net: Network, chosen: Store, name?: string) => HTMLElement} */
export function explorer(net, chosen, name = "") {
  addKeyHelp();
  const side = html("div", {class: "side"}, details(net, chosen, name), table(net, chosen));
  return html(
    "section",
    {class: net.hasGraph ? "explorer" : "explorer tensors", "aria-label": `${net.title} ${name}`.trim()},
    ...(name ? [html("h2", {}, `${name}: ${net.title}`)] : []),
    search(net, chosen, name),
    net.hasGraph
      ? graph(net, chosen, name)
      : html("p", {class: "hint"}, "These are tensors by name: how they connect isn't known."),
    side,
  );
}
