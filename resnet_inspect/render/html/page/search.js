// A search for layers and modules by a part of their path or type.

import {button, html} from "./element.js";
import {revealed} from "./fold.js";
import {shortcut} from "./keys.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */

/** The nodes whose path or type has the text in it. @type {(net: Network, text: string) => number[]} */
export function matches(net, text) {
  const wanted = text.trim().toLowerCase();
  if (!wanted) return [];
  const found = [];
  for (let node = 1; node < net.size; node += 1) {
    if (net.nodes.id[node].toLowerCase().includes(wanted) || net.type[node].toLowerCase().includes(wanted))
      found.push(node);
  }
  return found;
}

/** `name` tells two networks of one page apart. @type {(net: Network, chosen: Store, name?: string) => HTMLElement} */
export function search(net, chosen, name = "") {
  const field = /** @type {HTMLInputElement} */ (
    html("input", {type: "search", placeholder: "Search layers  ( / )", "aria-label": "Search layers"})
  );
  const count = html("span", {role: "status"});
  /** @type {number[]} */
  let found = [];
  let place = -1;
  /** @type {(step: number) => void} */
  const go = (step) => {
    if (!found.length) return;
    place = (place + step + found.length) % found.length;
    count.textContent = `${place + 1} of ${found.length}`;
    chosen.set({open: revealed(net, chosen.state.open, found[place]), selected: found[place]});
  };
  field.addEventListener("input", () => {
    found = matches(net, field.value);
    place = -1;
    count.textContent = field.value.trim() ? `${found.length} found` : "";
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") go(event.shiftKey ? -1 : 1);
    if (event.key === "Escape") {
      field.value = "";
      field.dispatchEvent(new Event("input"));
      field.blur();
    }
  });
  shortcut("/", "search layers", () => field.focus(), chosen.ended);
  chosen.listen((change) => {
    if (change.said !== undefined) count.textContent = change.said;
  });
  return html(
    "div",
    {class: "search", role: "search", "aria-label": `Layers ${name}`.trim()},
    field,
    button("‹", "Previous match", () => go(-1)),
    button("›", "Next match", () => go(1)),
    count,
  );
}
