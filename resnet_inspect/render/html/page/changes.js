// The list of changes of a comparison, and the keys that go from one to the next.

import {button, html, section} from "./element.js";
import {shortcut} from "./keys.js";

/** @typedef {{pair: number, state: string, layer: string, type: string, words: string}} Change */

const SIGNS = /** @type {Record<string, string>} */ ({
  added: "+",
  removed: "−",
  changed: "~",
  moved: "›",
  renamed: "›",
});
const MOST = 2000;

/**
 * `go` shows the change at a place of the list.
 * @type {(changes: Change[], go: (place: number) => void) => HTMLElement}
 */
export function changeList(changes, go) {
  let place = -1;
  const rows = changes.slice(0, MOST).map((change, at) => {
    const made = html(
      "button",
      {type: "button", class: `change marked ${change.state}`},
      html("span", {class: "sign", "aria-hidden": "true"}, SIGNS[change.state] ?? ""),
      html("span", {class: "state"}, change.state),
      html("bdi", {class: "layer"}, change.layer.slice(0, 300) || "(no name)"),
      html("span", {class: "kind"}, change.type.slice(0, 100)),
      html("span", {class: "words"}, change.words.slice(0, 1000)),
    );
    made.addEventListener("click", () => show(at));
    return made;
  });
  const status = html("span", {role: "status"});
  /** @type {(at: number) => void} */
  const show = (at) => {
    rows[place]?.removeAttribute("aria-current");
    place = (at + rows.length) % rows.length;
    rows[place].setAttribute("aria-current", "true");
    rows[place].scrollIntoView({block: "nearest"});
    status.textContent = `${place + 1} of ${changes.length}`;
    go(place);
  };
  if (!rows.length) return section("Changes", "changes", html("p", {}, "Nothing differs."));
  shortcut("n", "the next change", () => show(place + 1));
  shortcut("p", "the change before", () => show(Math.max(place, 0) - 1));
  const more = changes.length > MOST ? [html("p", {class: "hint"}, `The first ${MOST} of ${changes.length}.`)] : [];
  const tools = html(
    "div",
    {class: "tools"},
    button("Previous", "Previous change ( p )", () => show(Math.max(place, 0) - 1)),
    button("Next", "Next change ( n )", () => show(place + 1)),
    status,
  );
  return section(
    `${changes.length} ${changes.length === 1 ? "change" : "changes"}`,
    "changes",
    tools,
    html("div", {class: "list"}, ...rows),
    ...more,
  );
}
