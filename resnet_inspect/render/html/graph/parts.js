// The parts of the graph as SVG: boxes, frames, arrows and the legend.

import {html, shortened, svg} from "../page/element.js";
import {called, column, inWords, known, marked} from "../page/network.js";
import {fitted, widthOf} from "../page/ruler.js";
import {worded} from "../page/units.js";
import {BOX} from "./layout.js";

/** @typedef {import("../page/network.js").Network} Network */
/** @typedef {import("./layout.js").Point} Point */
/** @typedef {import("./layout.js").Place} Place */

/** The letters of names, and of all else, in pixels. */
const NAME = 12;
const SMALL = 11;
const ROUND = 6;

/** @type {(net: Network, node: number, place: Place, residual: number[]) => SVGElement} */
export function box(net, node, place, residual) {
  const {family, layer, count} = net.nodes;
  const {type, output} = net;
  const params = column(net, "params").amounts[node];
  const macs = column(net, "macs");
  const work = known(macs, node) ? (macs.texts[node] ?? worded("si", macs.amounts[node])) : "";
  const cost = work ? `${work} MACs` : params ? `${worded("si", params)} params` : "";
  const isClosed = layer[node] < 0;
  const kinds = new Set(residual.map((index) => net.blocks[index].kind));
  const mark = net.marks?.[node];
  const {width, height} = BOX;
  const start = isClosed ? 20 : 8;
  const name = shortened(called(net, node), 500);
  const below = kindAndShape(type[node], output[node], width - 16);
  // Beside the name; below it, where the name is long and what stands there is short.
  const costs = cost ? widthOf(cost, SMALL) + 8 : 0;
  const isBelow = widthOf(name, NAME, 600) > width - start - 8 - costs && widthOf(below, SMALL) <= width - 16 - costs;
  const label = [
    name,
    type[node],
    output[node],
    cost,
    marked(net, node),
    residual.length ? `${residual.length} residual block${residual.length > 1 ? "s" : ""} inside` : "",
  ]
    .filter(Boolean)
    .join(", ");
  const made = svg(
    "g",
    {
      class: `box ${isClosed ? "module" : family[node]}${mark ? ` marked ${mark}` : ""}`,
      "data-node": node,
      "data-residual": residual.length || null,
      transform: `translate(${place.x} ${place.y})`,
      role: "treeitem",
      "aria-label": label,
      "aria-level": net.depth[node],
      "aria-expanded": isClosed ? "false" : null,
    },
    ...(count[node] > 1 ? [svg("rect", {class: "stack", x: 5, y: 5, width, height, rx: 5})] : []),
    svg("rect", {class: "back", width, height, rx: 5}),
    svg("rect", {class: "heat", width, height, rx: 5, "fill-opacity": 0}),
    svg(
      "text",
      {class: "name", x: start, y: 17},
      fitted(name, width - start - 8 - (isBelow ? 0 : costs), NAME, 600, true),
    ),
    ...(isClosed ? [svg("path", {class: "twist", d: "M8 9l5 4-5 4z"})] : []),
    svg("text", {class: "small", x: 8, y: 34}, below),
    svg("text", {class: "small right", x: width - 8, y: isBelow ? 34 : 17}, cost),
  );
  if (residual.length) {
    const dashed = kinds.size === 1 && kinds.has("projection") ? " projection" : "";
    made.append(
      svg("path", {
        class: `wire shortcut${dashed}`,
        d: `M${width} 8c14 0 14 ${height - 16} 1 ${height - 16}`,
        "marker-end": "url(#head-shortcut)",
      }),
    );
    if (residual.length > 1)
      made.append(svg("text", {class: "count", x: width + 13, y: height / 2 + 4}, `×${residual.length}`));
  }
  return made;
}

/** The second line of a box: the shape whole where it can be. @type {(type: string, output: string, room: number) => string} */
function kindAndShape(type, output, room) {
  if (!type || !output) return fitted(type || output, room, SMALL);
  const shape = fitted(` · ${output}`, room - 48, SMALL);
  return fitted(type, room - widthOf(shape, SMALL), SMALL) + shape;
}

/** @type {(net: Network, node: number, place: Place, inner: SVGElement) => SVGElement} */
export function frame(net, node, place, inner) {
  const {x, y, width, height} = place;
  const mark = net.marks?.[node];
  const words = [shortened(called(net, node), 500), net.type[node]].filter(Boolean);
  return svg(
    "g",
    {
      class: `frame${mark ? ` marked ${mark}` : ""}`,
      "data-node": node,
      role: "treeitem",
      "aria-label": [...words, marked(net, node)].filter(Boolean).join(", "),
      "aria-level": net.depth[node],
      "aria-expanded": "true",
    },
    svg("rect", {class: "back", x, y, width, height, rx: 8}),
    svg(
      "g",
      {class: "title"},
      svg("rect", {class: "title-bar", x, y, width, height: 22, rx: 8}),
      svg("path", {class: "twist", d: `M${x + 8} ${y + 9}h8l-4 5z`}),
      svg("text", {x: x + 22, y: y + 15}, fitted(words.join("  "), width - 30, NAME, 400, true)),
    ),
    inner,
  );
}

/** @type {(arrow: import("../page/fold.js").Arrow, points: Point[]) => SVGElement} */
export function line(arrow, points) {
  const kind = arrow.kind ? ` shortcut ${arrow.kind}` : "";
  return svg("path", {
    class: `wire${kind}`,
    d: rounded(points),
    "marker-end": `url(#head${arrow.kind ? "-shortcut" : ""})`,
    "data-source": arrow.source,
    "data-target": arrow.target,
    "data-blocks": arrow.blocks.length ? arrow.blocks.join(" ") : null,
  });
}

/** A path along the points, its corners round. @type {(points: Point[]) => string} */
function rounded(points) {
  let path = `M${points[0].join(" ")}`;
  for (let place = 1; place < points.length - 1; place += 1) {
    const [[x0, y0], [x, y], [x2, y2]] = [points[place - 1], points[place], points[place + 1]];
    const before = Math.hypot(x - x0, y - y0);
    const behind = Math.hypot(x2 - x, y2 - y);
    const turn = Math.min(ROUND, before / 2, behind / 2);
    const [a, b] = [turn / (before || 1), turn / (behind || 1)];
    path += `L${x + (x0 - x) * a} ${y + (y0 - y) * a}Q${x} ${y} ${x + (x2 - x) * b} ${y + (y2 - y) * b}`;
  }
  const [x, y] = points[points.length - 1];
  return `${path}L${x} ${y - 1}`;
}

/** The heads of arrows, once for all graphs of a page. @type {() => void} */
export function addHeads() {
  if (document.getElementById("head")) return;
  /** @type {(id: string, name: string) => SVGElement} */
  const head = (id, name) =>
    svg(
      "marker",
      {
        id,
        viewBox: "0 0 8 8",
        refX: 7,
        refY: 4,
        markerWidth: 8,
        markerHeight: 8,
        markerUnits: "userSpaceOnUse",
        orient: "auto",
      },
      svg("path", {class: name, d: "M0 0L8 4L0 8z"}),
    );
  const heads = svg("defs", {}, head("head", "head-plain"), head("head-shortcut", "head-shortcut"));
  document.body.append(svg("svg", {class: "heads", width: 0, height: 0, "aria-hidden": "true"}, heads));
}

/** What the kinds of shortcuts are called. */
const SHORTCUTS = {
  identity: "identity shortcut",
  projection: "projection shortcut",
  other: "another shortcut: without weights, but no identity",
};

/** What lines, and marks where there are any, mean. @type {(net: Network) => HTMLElement} */
export function legend(net) {
  /** @type {(name: string, words: string) => HTMLElement} */
  const entry = (name, words) =>
    html(
      "span",
      {},
      svg("svg", {width: 30, height: 10, "aria-hidden": "true"}, svg("path", {class: `wire ${name}`, d: "M2 5H28"})),
      ` ${words}`,
    );
  // DenseNet's shortcuts are of no residual block.
  const kinds = new Set(net.edges.map(([, , kind]) => kind));
  const marks = [...new Set(Object.values(net.marks ?? {}))].map((mark) =>
    html("span", {}, html("span", {class: `swatch marked ${mark}`, "aria-hidden": "true"}), ` ${inWords(mark)}`),
  );
  return html(
    "p",
    {class: "legend"},
    ...Object.entries(SHORTCUTS)
      .filter(([kind]) => kinds.has(kind))
      .map(([kind, words]) => entry(`shortcut ${kind}`, words)),
    ...marks,
    html("span", {class: "how"}, "Click a module to unfold it, its title to fold it. Ctrl + wheel zooms."),
  );
}
