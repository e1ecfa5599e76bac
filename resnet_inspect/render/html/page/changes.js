// The list of changes of a comparison, and the keys that go from one to the next.

import {button, html, section} from "./element.js";
import {shortcut} from "./keys.js";

/**
 * Layers of which there is the same to say: each with its pair, name, type and words. `title` is the name, type and
 * words of several, null of one.
 * @typedef {{state: string, title: string[] | null, layers: [number, string, string, string][]}} Change
 */

const SIGNS = /** @type {Record<string, string>} */ ({
  added: "+",
  removed: "−",
  changed: "~",
  moved: "›",
  renamed: "›",
});
const WORDS = /** @type {Record<string, string>} */ ({follows: "result"});
const MOST = 2000;

/** @type {(changes: Change[]) => number} */
const layersOf = (changes) => changes.reduce((sum, change) => sum + change.layers.length, 0);

/** A number of things, by their name. @type {(count: number, one: string) => string} */
const counted = (count, one) => `${count.toLocaleString("en")} ${one}${count === 1 ? "" : "s"}`;

/**
 * `go` shows a pair of layers. `followers` differ because of the changes, and are listed if somebody asks for them.
 * @type {(changes: Change[], followers: Change[], go: (pair: number) => void) => HTMLElement}
 */
export function changeList(changes, followers, go) {
  if (!changes.length && !followers.length) return section("Changes", "changes", html("p", {}, "Nothing differs."));
  const list = html("div", {class: "list"});
  const status = html("span", {role: "status"});
  /** Entries that are listed, in their order, and the pair that each leads to. @type {{row: HTMLElement, pair: number}[]} */
  let rows = [];
  /** @type {HTMLElement | undefined} */
  let current;

  /** @type {(row: HTMLElement | undefined) => void} */
  const show = (row) => {
    const at = rows.findIndex((each) => each.row === row);
    if (!row || at < 0) return;
    current?.removeAttribute("aria-current");
    current = row;
    row.setAttribute("aria-current", "true");
    row.scrollIntoView({block: "nearest"});
    status.textContent = `${at + 1} of ${rows.length}`;
    go(rows[at].pair);
  };
  /** @type {(step: number) => void} */
  const step = (step) => {
    const at = rows.findIndex((each) => each.row === current);
    show(rows[(Math.max(at, step > 0 ? -1 : 0) + step + rows.length) % rows.length]?.row);
  };
  /** @type {(state: string, words: string[], pair: number, isInside?: boolean) => HTMLElement} */
  const entry = (state, [layer, type, words], pair, isInside = false) => {
    const row = html(
      "button",
      {type: "button", class: `change marked ${state}${isInside ? " inside" : ""}`},
      html("span", {class: "sign", "aria-hidden": "true"}, SIGNS[state] ?? ""),
      html("span", {class: "state"}, WORDS[state] ?? state),
      html("bdi", {class: "layer"}, layer.slice(0, 300) || "(no name)"),
      html("span", {class: "kind"}, type.slice(0, 100)),
      html("span", {class: "words"}, words.slice(0, 1000)),
    );
    row.dataset.pair = String(pair);
    row.addEventListener("click", () => show(row));
    return row;
  };
  const arrange = () => {
    rows = [...list.querySelectorAll(".change")].map((row) => ({
      row: /** @type {HTMLElement} */ (row),
      pair: Number(/** @type {HTMLElement} */ (row).dataset.pair),
    }));
  };
  /** Adds entries, a group with its layers folded. @type {(some: Change[]) => void} */
  const add = (some) => {
    for (const {state, title, layers} of some.slice(0, MOST)) {
      const row = entry(state, title ?? layers[0].slice(1).map(String), layers[0][0]);
      list.append(row);
      if (!title) continue;
      /** @type {HTMLElement[]} */
      let inside = [];
      const twist = html(
        "button",
        {type: "button", class: "fold", "aria-expanded": "false"},
        `Show ${counted(layers.length, "layer")}`,
      );
      twist.addEventListener("click", () => {
        const isOpen = inside.length > 0;
        for (const each of inside) each.remove();
        inside = isOpen ? [] : layers.slice(0, MOST).map(([pair, ...words]) => entry(state, words, pair, true));
        twist.after(...inside);
        twist.setAttribute("aria-expanded", String(!isOpen));
        twist.textContent = `${isOpen ? "Show" : "Hide"} ${counted(layers.length, "layer")}`;
        arrange();
      });
      list.append(twist);
    }
    if (some.length > MOST) list.append(html("p", {class: "hint"}, `The first ${MOST} of ${some.length}.`));
    arrange();
  };
  add(changes);
  shortcut("n", "the next change", () => step(1));
  shortcut("p", "the previous change", () => step(-1));
  const tools = html(
    "div",
    {class: "tools"},
    button("Previous", "Previous change ( p )", () => step(-1)),
    button("Next", "Next change ( n )", () => step(1)),
    status,
  );
  const whole = button("Show the whole list", "Show the list without scrolling", () => {
    const isWhole = list.classList.toggle("whole");
    whole.textContent = isWhole ? "Show a part of the list" : "Show the whole list";
  });
  // Whether there is more than is seen is known once the list has a height.
  new ResizeObserver(() => {
    whole.hidden = !list.classList.contains("whole") && list.scrollHeight <= list.clientHeight + 1;
  }).observe(list);
  tools.append(whole);
  const layers = layersOf(changes);
  const title = changes.length
    ? counted(changes.length, "change") + (layers > changes.length ? ` in ${counted(layers, "layer")}` : "")
    : "No change of a layer's own";
  const results = layersOf(followers);
  if (results) {
    const more = button(
      `Show ${counted(results, "layer")} that differ${results === 1 ? "s" : ""} as a result`,
      "List what differs only because a layer before it does",
      () => {
        more.remove();
        add(followers);
      },
    );
    tools.append(more);
  }
  return section(title, "changes", tools, list);
}
