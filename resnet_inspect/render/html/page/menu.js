// A part of the page that a word opens. Escape closes it, and so does a click elsewhere.

import {html} from "./element.js";

/** @type {(word: string, ...inside: (Node | string)[]) => HTMLDetailsElement} */
export function menu(word, ...inside) {
  const title = html("summary", {}, word);
  const made = /** @type {HTMLDetailsElement} */ (
    html("details", {class: "menu"}, title, html("div", {role: "group", "aria-label": word}, ...inside))
  );
  /** @type {(event: KeyboardEvent) => void} */
  const leave = (event) => {
    if (event.key !== "Escape") return;
    made.open = false;
    title.focus();
  };
  /** @type {(event: PointerEvent) => void} */
  const elsewhere = (event) => {
    if (!made.contains(/** @type {Node} */ (event.target))) made.open = false;
  };
  made.addEventListener("toggle", () => {
    const change = made.open ? document.addEventListener : document.removeEventListener;
    change.call(document, "keydown", /** @type {EventListener} */ (leave));
    change.call(document, "pointerdown", /** @type {EventListener} */ (elsewhere));
  });
  return made;
}
