// All that is known of the node that somebody points at, or else of the one that is selected.

import {visible} from "./documents.js";
import {html} from "./element.js";
import {isLayer} from "./network.js";
import {exact, worded} from "./units.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */

/**
 * A layer in the JSON document.
 * @typedef {{id: string, path: string, type: string, op: string, called: boolean, inputs: string[], input_shapes: number[][], output_shapes: number[][],
 *   attributes: Record<string, unknown>, parameters: {name: string, shape: number[], dtype: string, role: string}[], output_dtypes: string[], shared: string[]}} Layer
 */

const LISTED = 12;

/** `name` tells two networks of one page apart. @type {(net: Network, chosen: Store, layers: () => Layer[], name?: string) => HTMLElement} */
export function details(net, chosen, layers, name = "") {
  const panel = html("div", {
    class: "details",
    role: "region",
    "aria-label": `Details ${name}`.trim(),
    tabindex: 0,
    "aria-live": "polite",
  });
  const show = () => {
    const {pointed, selected} = chosen.state;
    const node = pointed >= 0 ? pointed : selected;
    panel.replaceChildren(
      ...(node < 0
        ? [html("p", {class: "hint"}, "Point at a layer, or select one, to see what is known of it.")]
        : described(net, node, layers)),
    );
  };
  chosen.listen((change) => {
    if (change.pointed !== undefined || change.selected !== undefined) show();
  });
  show();
  return panel;
}

/** @type {(net: Network, node: number, layers: () => Layer[]) => HTMLElement[]} */
function described(net, node, layers) {
  const {id, type, output, count} = net.nodes;
  /** @type {[string, string][]} */
  const facts = [];
  const layer = isLayer(net, node) ? layers()[net.nodes.layer[node]] : undefined;
  if (layer) {
    facts.push(["Input", layer.input_shapes.map(shape).join(", ")]);
    facts.push(["Output", `${output[node]} ${visible([...new Set(layer.output_dtypes)].join(", "))}`.trim()]);
    const settings = Object.entries(layer.attributes).map(([key, value]) => `${key}=${setting(value)}`);
    facts.push(["Settings", visible(settings.join(" "))]);
    for (const each of layer.parameters.slice(0, LISTED)) {
      facts.push([
        visible(each.name.slice(each.name.lastIndexOf(".") + 1)),
        `${shape(each.shape) || "scalar"} ${visible(each.dtype)}${each.role === "trainable" ? "" : `, ${visible(each.role)}`}`,
      ]);
    }
    if (layer.parameters.length > LISTED) facts.push(["", `and ${layer.parameters.length - LISTED} more tensors`]);
    if (layer.shared.length) facts.push(["Shared", visible(layer.shared.join(", "))]);
  } else facts.push(["Output", output[node]]);
  if (count[node] > 1) facts.push(["Equal modules", String(count[node])]);
  for (const each of net.columns) {
    const amount = each.amounts[node];
    const text = each.texts[node] ?? worded(each.word, amount);
    const whole =
      each.word !== "exact" && amount !== null && text !== exact(amount) ? `${exact(amount)}  (${text})` : text;
    if (text !== "n/a" && text !== "") facts.push([each.title, whole]);
  }
  const note = layer && net.notes?.[String(net.nodes.layer[node])];
  if (note) facts.unshift([net.marks?.[node] ?? "Note", note]);
  const formula = layer && net.formulas[String(net.nodes.layer[node])];
  if (formula) facts.push(["MACs are", formula]);
  const head = html(
    "p",
    {class: "path"},
    html("bdi", {}, id[node].slice(0, 2000) || net.title),
    html("span", {class: "kind"}, ` ${type[node]}`),
  );
  const list = html(
    "dl",
    {},
    ...facts
      .filter(([, text]) => text)
      .map(([label, text]) => html("div", {}, html("dt", {}, label), html("dd", {}, text.slice(0, 2000)))),
  );
  return [head, list];
}

/** @type {(sizes: number[]) => string} */
function shape(sizes) {
  return sizes.join("x");
}

/** @type {(value: unknown) => string} */
function setting(value) {
  return Array.isArray(value) ? value.map(setting).join("x") : String(value ?? "none");
}
