// Elements of the page. Text reaches them as text nodes and attributes only: nothing of it is ever markup.

/** @typedef {Record<string, string | number | boolean | null | undefined>} Attributes */

/** @type {(tag: string, attributes?: Attributes, ...inside: (Node | string)[]) => HTMLElement} */
export function html(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  fill(made, attributes, inside);
  return made;
}

/** @type {(tag: string, attributes?: Attributes, ...inside: (Node | string)[]) => SVGElement} */
export function svg(tag, attributes = {}, ...inside) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  fill(made, attributes, inside);
  return made;
}

/** @type {(made: Element, attributes: Attributes, inside: (Node | string)[]) => void} */
function fill(made, attributes, inside) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false)
      made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...inside);
}

/** The text with at most so many characters. @type {(text: string, most: number) => string} */
export function shortened(text, most) {
  const letters = [...text.slice(0, 2 * most)];
  return letters.length <= most && text.length <= 2 * most ? text : `${letters.slice(0, most - 1).join("")}…`;
}

/** A button with a word or a sign on it, and what it does in full. @type {(word: string, title: string, act: () => void) => HTMLElement} */
export function button(word, title, act) {
  // A word is a name by itself, a sign isn't.
  const made = html("button", {type: "button", title, "aria-label": /^\p{L}/u.test(word) ? null : title}, word);
  made.addEventListener("click", act);
  return made;
}

/** The node that an event is about, or -1. @type {(event: Event) => number} */
export function nodeAt(event) {
  const found = /** @type {Element} */ (event.target).closest("[data-node]");
  return found ? Number(found.getAttribute("data-node")) : -1;
}

/** Whether a key belongs to who types a text, or to the browser. @type {(event: KeyboardEvent) => boolean} */
export function isTyping(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  return event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT", "TEXTAREA"].includes(target.tagName);
}

/** A part of the page with a heading of its own. @type {(title: string, name: string, ...inside: (Node | string)[]) => HTMLElement} */
export function section(title, name, ...inside) {
  const id = `title-${name}`;
  return html("section", {class: name, "aria-labelledby": id}, html("h2", {id}, title), ...inside);
}

/** A choice among words, by key. @type {(label: string, options: [string, string][], choose: (key: string) => void, chosen?: string) => HTMLElement} */
export function choice(label, options, choose, chosen = "") {
  const select = html(
    "select",
    {"aria-label": label},
    ...options.map(([key, word]) => html("option", {value: key, selected: key === chosen}, word)),
  );
  select.addEventListener("change", () => choose(/** @type {HTMLSelectElement} */ (select).value));
  return html("label", {class: "choice"}, `${label} `, select);
}

/** The part of the page that its script fills. In a page that a browser has saved, all that it made before is still there. @type {() => HTMLElement} */
export function emptied() {
  for (const made of document.querySelectorAll(".head > button, body > .heads, body > .keys")) made.remove();
  const main = /** @type {HTMLElement} */ (document.querySelector("main"));
  main.replaceChildren();
  return main;
}

/** The width of a picture that is as wide as the page, in its pixels. @type {() => number} */
export function pageWidth() {
  return Math.max(320, Math.min(1200, document.documentElement.clientWidth - 40));
}
