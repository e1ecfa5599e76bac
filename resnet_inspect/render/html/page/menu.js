// A part of the page that a word opens. Escape closes it, and so does a click elsewhere.

import {html} from "./element.js";

/** @type {(word: string, ...inside: (Node | string)[]) => HTMLDetailsElement} */
export function menu(word, ...inside) {
  const title = html("summary", {}, word);
  const made = /** @type {HTMLDetailsElement} */ (
    html("details", {class: "menu"}, title, html("div", {role: "group", "aria-label": word}, ...inside))
  );
  // Not by "toggle", which comes later than a quick key: a menu must be closed by the Escape that follows its opening.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !made.open) return;
    made.open = false;
    title.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    if (!made.contains(/** @type {Node} */ (event.target))) made.open = false;
  });
  return made;
}
