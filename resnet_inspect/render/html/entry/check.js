// The page of a check: what each rule found, failures first, and the network with the layers that it is about.

import {unpacked} from "../page/documents.js";
import {choice, emptied, html} from "../page/element.js";
import {explorer} from "../page/explorer.js";
import {firstFold, ROOM, revealed} from "../page/fold.js";
import {network} from "../page/network.js";
import {permalink} from "../page/permalink.js";
import {store} from "../page/store.js";

/**
 * `places` are layers and modules; "" is the whole network. `differs` are lines, each with its layer.
 * @typedef {{words: string, places: string[], differs: [string, string | null][]}} Finding
 */
/** @typedef {{name: string, outcomes: {rule: string, level: string, word: string, findings: Finding[]}[], network: import("../page/network.js").Written | null}} Model */

/** @type {{models: Model[]}} */
const data = JSON.parse(await unpacked("data"));
const main = emptied();
const place = html("div", {class: "checked"});

let shown = new AbortController();

/** @type {(at: number) => void} */
function show(at) {
  shown.abort();
  shown = new AbortController();
  const model = data.models[at];
  const net = model.network && network(model.network);
  const chosen = net && store(firstFold(net, ROOM), shown.signal);
  /** Words that lead to a place in the graph, where it is there. @type {(words: string, place: string | null) => Node | string} */
  const leading = (words, place) => {
    const node = place ? net?.byId.get(place) : undefined;
    const text = words.slice(0, 2000) || "(no name)";
    if (node === undefined || !net || !chosen) return text;
    const link = html("button", {type: "button", class: "link"}, text);
    link.addEventListener("click", () => {
      chosen.set({open: revealed(net, chosen.state.open, node), selected: node});
      main.querySelector(".view")?.scrollIntoView({block: "nearest"});
    });
    return link;
  };
  /** @type {(finding: Finding) => HTMLElement} */
  const found = ({words, places, differs}) => {
    const item = html("li", {}, leading(words, places.length === 1 ? places[0] : null));
    if (net && places.length === 1 && !places[0]) item.append(html("span", {class: "hint"}, " (the whole network)"));
    if (places.length > 1) {
      const links = places.map((each) => html("li", {}, leading(each, each)));
      item.append(html("ul", {class: "places"}, ...links));
    }
    item.append(...differs.map(([text, layer]) => html("p", {class: "hint"}, leading(text, layer))));
    return item;
  };
  const rules = model.outcomes.map((outcome) =>
    html(
      "li",
      {class: `outcome ${outcome.level}`},
      html("span", {class: "word"}, outcome.word),
      html("span", {class: "rule"}, outcome.rule),
      html("ul", {}, ...outcome.findings.map(found)),
    ),
  );
  place.replaceChildren(html("h2", {}, model.name), html("ul", {class: "outcomes"}, ...rules));
  if (net && chosen) {
    place.append(explorer(net, chosen));
    permalink(net, chosen);
  }
}

if (data.models.length > 1) {
  const names = data.models.map(
    (model, at) => /** @type {[string, string]} */ ([String(at), `${model.outcomes[0]?.word ?? ""}  ${model.name}`]),
  );
  main.append(
    html(
      "div",
      {class: "tools"},
      choice("Model", names, (at) => show(Number(at)), "0"),
    ),
  );
}
main.append(place);
show(0);
document.documentElement.dataset.ready = "";
