// All that is known of the node that is selected, and in short of the one that somebody points at.

import {copy} from "./clipboard.js";
import {button, html} from "./element.js";
import {revealed} from "./fold.js";
import {derived} from "./formulas.js";
import {column, isLayer} from "./network.js";
import {exact, worded} from "./units.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */

/** So many layers are listed that a layer reads, or that read it. */
const LISTED = 8;
/** What is longer than this has a line of its own. */
const LONG = 24;

/** `name` tells two networks of one page apart. @type {(net: Network, chosen: Store, name?: string) => HTMLElement} */
export function details(net, chosen, name = "") {
  const panel = html("div", {class: "details", role: "region", "aria-label": `Details ${name}`.trim(), tabindex: 0});
  const copied = html("span", {role: "status", class: "copied"});
  const preview = html("p", {class: "preview hint"});
  const show = () => {
    const {pointed, selected} = chosen.state;
    const node = selected >= 0 ? selected : pointed;
    panel.replaceChildren(
      ...(node < 0
        ? [html("p", {class: "hint"}, "Point at a layer or select it to see its details.")]
        : described(net, chosen, node, copied)),
    );
  };
  chosen.listen((change) => {
    // What is selected stays, whatever is pointed at.
    if (change.selected !== undefined || (change.pointed !== undefined && chosen.state.selected < 0)) show();
    if (change.selected !== undefined) copied.textContent = "";
    const {pointed, selected} = chosen.state;
    preview.textContent = pointed >= 0 && selected >= 0 && pointed !== selected ? inShort(net, pointed) : "";
  });
  show();
  return html("div", {class: "about"}, panel, preview);
}

/** A node in a line. @type {(net: Network, node: number) => string} */
function inShort(net, node) {
  const amounts = ["params", "macs"].map((key) => {
    const {title, word, amounts, texts} = column(net, key);
    return `${texts[node] ?? worded(word, amounts[node])} ${title}`;
  });
  return [net.nodes.id[node].slice(0, 200) || net.title, net.type[node], net.output[node], ...amounts]
    .filter(Boolean)
    .join(" · ");
}

/** @type {(net: Network, chosen: Store, node: number, copied: HTMLElement) => HTMLElement[]} */
function described(net, chosen, node, copied) {
  const {id, count, layer} = net.nodes;
  const place = layer[node];
  /** @type {[string, string | Node][]} */
  const facts = [];
  /** @type {[string, string | Node][]} */
  const formulas = [];
  const note = isLayer(net, node) && net.notes?.[String(place)];
  if (note) facts.push([net.marks?.[node] ?? "Note", note.slice(0, 2000)]);
  for (const each of net.columns) {
    const amount = each.amounts[node];
    const text = each.texts[node] ?? worded(each.word, amount);
    const isShort = each.word !== "exact" && amount !== null && amount !== 0 && text !== exact(amount);
    if (text !== "n/a") facts.push([each.title, isShort ? `${exact(amount)}  (${text})` : text]);
    const formula = isLayer(net, node) ? derived(net.formulas, place, each.key) : "";
    if (formula) formulas.push([`${each.title} are`, formula]);
  }
  facts.push(...formulas);
  for (const each of net.words) if (each.key !== "type") facts.push([each.title, each.texts[node].slice(0, 2000)]);
  if (count[node] > 1) facts.push(["Equal modules", String(count[node])]);
  if (isLayer(net, node)) {
    const edges = net.edges.filter(([from, to]) => from === place || to === place);
    const reads = edges.filter(([, to]) => to === place).map(([from]) => from);
    const readers = edges.filter(([from]) => from === place).map(([, to]) => to);
    if (reads.length) facts.push(["Reads", links(net, chosen, reads)]);
    if (readers.length) facts.push(["Read by", links(net, chosen, readers)]);
    for (const block of net.blocks.filter((each) => each.join === place)) {
      const breaks = block.breaks.length ? `, not an identity: ${block.breaks.join(", ")}` : "";
      facts.push(["Ends", `a residual block (${block.form}), its shortcut: ${block.kind}${breaks}`]);
    }
  }
  const head = html(
    "p",
    {class: "path"},
    html("bdi", {}, id[node].slice(0, 2000) || net.title),
    html("span", {class: "kind"}, ` ${net.type[node]} `),
  );
  // A page inside of a notebook has no address of its own, and neither has the network as a whole.
  if (location.protocol !== "about:" && id[node]) {
    const link = () => `${location.href.split("#")[0]}#${encodeURIComponent(id[node])}`;
    head.append(
      button("Copy link", "Copy the address of this layer in this page", () => copy(link(), copied)),
      copied,
    );
  }
  const list = html(
    "dl",
    {},
    ...facts
      .filter(([, text]) => text)
      .map(([label, text]) =>
        html(
          "div",
          {class: typeof text !== "string" || text.length > LONG ? "wide" : ""},
          html("dt", {}, label),
          html("dd", {}, text),
        ),
      ),
  );
  return [head, list];
}

/** Buttons that go to layers. @type {(net: Network, chosen: Store, layers: number[]) => Node} */
function links(net, chosen, layers) {
  const all = html("span", {class: "links"});
  for (const layer of layers.slice(0, LISTED)) {
    const node = net.nodeOf[layer];
    const link = html(
      "button",
      {type: "button", class: "link"},
      html("bdi", {}, net.nodes.id[node].slice(0, 200) || "(no name)"),
    );
    link.addEventListener("click", () => chosen.set({open: revealed(net, chosen.state.open, node), selected: node}));
    all.append(link, " ");
  }
  if (layers.length > LISTED) all.append(`and ${layers.length - LISTED} more`);
  return all;
}
