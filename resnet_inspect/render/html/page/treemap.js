// Where a quantity is: a rectangle for each layer inside of those of its modules, and a bar for each stage.

import {treemap as arrangement, hierarchy} from "../vendor/d3-hierarchy.js";
import {choice, html, nodeAt, pageWidth, section, shortened, svg} from "./element.js";
import {revealed} from "./fold.js";
import {around, called, column, isLayer, known} from "./network.js";
import {fitted} from "./ruler.js";
import {share, worded} from "./units.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */

const QUANTITIES = ["params", "macs", "activation_bytes", "saved_bytes"];
const HEIGHT = 420;
/** So many colours are there of modules, in figures.css. */
const TINTS = 5;
/** So small a part of the whole isn't drawn by itself: nobody would see it. */
const LEAST = 1 / 4000;

/** @type {(net: Network, chosen: Store) => HTMLElement} */
export function treemap(net, chosen) {
  const width = pageWidth();
  const bars = html("div", {class: "bars"});
  const picture = svg("svg", {
    class: "treemap",
    viewBox: `0 0 ${width} ${HEIGHT}`,
    role: "img",
    "aria-label": `Where the parameters of ${net.title} are`,
  });
  const inAll = html("span", {class: "hint"});
  let key = "params";
  /** By the kind of a layer, or by the outermost module where kinds aren't known. @type {(node: number) => string} */
  const colour = (node) => {
    if (net.hasGraph) return isLayer(net, node) ? net.nodes.family[node] : "module";
    const outermost = around(net, node).at(-2) ?? node;
    return `tint-${net.children[0].indexOf(outermost) % TINTS}`;
  };
  const draw = () => {
    const shown = column(net, key);
    const {amounts, word, title} = shown;
    /** @type {(node: number) => number} */
    const amount = (node) => known(shown, node);
    /** @type {(node: number) => string} */
    const text = (node) => shown.texts[node] ?? worded(word, amounts[node]);
    const whole = net.children[0].reduce((sum, node) => sum + amount(node), 0);
    /** @type {(node: number) => number[]} */
    const inside = (node) => net.children[node].filter((each) => amount(each) >= whole * LEAST);
    const root = hierarchy(0, inside).sum((node) => (inside(node).length ? 0 : amount(node)));
    const places = arrangement()
      .size([width, HEIGHT])
      .paddingInner(1)
      .paddingOuter(2)
      .paddingTop((each) => (each.depth && each.children ? 15 : 0))
      .round(true)(root);
    // A part that nobody knows has no place in a picture: the words above it say so.
    inAll.textContent = `${title} in all: ${text(0)}${whole ? "" : ", so there is nothing to draw"}. Colours are of ${net.hasGraph ? "kinds of layers" : "outermost modules"}.`;
    picture.setAttribute("aria-label", `${title} of ${net.title}, by layer`);
    picture.replaceChildren(
      ...places
        .descendants()
        .slice(1)
        .filter((each) => each.x1 - each.x0 > 0.5 && each.y1 - each.y0 > 0.5)
        .map((each) => {
          const node = each.data;
          const [wide, high] = [each.x1 - each.x0, each.y1 - each.y0];
          const words = `${net.nodes.id[node].slice(0, 200)}: ${text(node)}, ${share(amount(node), whole)}`;
          const made = svg(
            "g",
            {
              class: each.children ? "inner" : colour(node),
              "data-node": node,
              transform: `translate(${each.x0} ${each.y0})`,
            },
            svg("title", {}, words),
            svg("rect", {class: "back", width: wide, height: high}),
          );
          if (wide > 34 && high > 13)
            made.append(svg("text", {x: 4, y: 11.5}, fitted(called(net, node), wide - 6, 11, 400, true)));
          if (!each.children && wide > 50 && high > 28)
            made.append(svg("text", {class: "small", x: 4, y: 24}, fitted(text(node), wide - 6, 11)));
          return made;
        }),
    );
    const most = Math.max(1, ...net.children[0].map(amount));
    const stages = net.children[0].filter((node) => amount(node) > 0);
    const listed = stages.length > 40 ? stages.sort((a, b) => amount(b) - amount(a)).slice(0, 40) : stages;
    bars.replaceChildren(
      ...listed.map((node) => {
        const fill = html("span", {class: "fill"});
        fill.style.width = `${(100 * amount(node)) / most}%`;
        const line = html(
          "button",
          {type: "button", class: "bar", "data-node": node},
          html("bdi", {class: "name"}, shortened(called(net, node), 40)),
          html("span", {class: "track"}, fill),
          html("span", {class: "number"}, text(node)),
          html("span", {class: "number"}, share(amount(node), whole)),
        );
        return line;
      }),
    );
  };
  /** @type {(event: Event) => void} */
  const go = (event) => {
    const node = nodeAt(event);
    if (node >= 0) chosen.set({open: revealed(net, chosen.state.open, node), selected: node});
  };
  picture.addEventListener("click", go);
  bars.addEventListener("click", go);
  draw();
  const choose = choice(
    "Quantity",
    QUANTITIES.map((each) => [each, column(net, each).title]),
    (wanted) => {
      key = wanted;
      draw();
    },
  );
  return section("Where it is", "where", html("div", {class: "tools"}, choose, inAll), picture, bars);
}
