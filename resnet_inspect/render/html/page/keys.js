// Single keys that do something wherever the focus is, and the help that lists all keys and can switch those off.

import {button, html, isTyping} from "./element.js";

/** Single keys by what they do. @type {Map<string, string>} */
const singles = new Map();
let isOn = true;

/** Other keys, by where they do something. @type {[string, string][]} */
const OTHERS = [
  ["↑ ↓", "the previous or next layer, in the graph and in the table"],
  ["→ ←", "unfold a module or enter it; fold it or go to the module around it"],
  ["Enter, Space", "unfold or fold a module, select a layer"],
  ["Home, End", "the first or last layer"],
  ["Page Up, Page Down", "a page up or down in the table"],
  ["Enter, Shift + Enter", "the next or previous match of a search"],
  ["Escape", "close a menu or this help, clear a search"],
  ["Ctrl + wheel", "zoom the graph; drag it to move it"],
];

/** A single key does something, unless somebody types. @type {(key: string, words: string, act: () => void, ended?: AbortSignal) => void} */
export function shortcut(key, words, act, ended) {
  singles.set(key, words);
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== key || !isOn || isTyping(event) || document.querySelector("dialog[open]")) return;
      event.preventDefault();
      act();
    },
    {signal: ended},
  );
}

/** The help, once for a page: a button in its head opens it, and so does a key. @type {() => void} */
export function addKeyHelp() {
  if (document.querySelector(".keys")) return;
  const list = html("dl");
  const box = /** @type {HTMLInputElement} */ (html("input", {type: "checkbox", checked: true}));
  box.addEventListener("change", () => {
    isOn = box.checked;
  });
  const close = button("Close", "Close this help", () => help.close());
  const help = /** @type {HTMLDialogElement} */ (
    html(
      "dialog",
      {class: "keys", "aria-labelledby": "title-keys"},
      html("h2", {id: "title-keys"}, "Keys"),
      list,
      html("p", {}, html("label", {}, box, " Single keys are on while this page is open")),
      close,
    )
  );
  const open = () => {
    const lines = [...singles, ...OTHERS].map(([key, words]) =>
      html("div", {}, html("dt", {}, html("kbd", {}, key)), html("dd", {}, words)),
    );
    list.replaceChildren(...lines);
    help.showModal();
    close.focus();
  };
  shortcut("?", "this help", open);
  document.querySelector(".head")?.append(button("Keys", "The keys that this page knows ( ? )", open));
  document.body.append(help);
}
