// The graph: boxes, frames and arrows as SVG, and the keys and gestures that move through it.

import {download} from "../page/clipboard.js";
import {button, choice, html, nodeAt, svg} from "../page/element.js";
import {arrows, isDrawable, seen, shownAs} from "../page/fold.js";
import {menu} from "../page/menu.js";
import {around, column, isLayer, known} from "../page/network.js";
import {toggle} from "../page/store.js";
import {ANY, fitting, LEGIBLE, MARGIN, roomIn} from "./fitting.js";
import {glowing, heatScale} from "./heat.js";
import {BOX, layout} from "./layout.js";
import {addHeads, box, frame, legend, line} from "./parts.js";
import {largest} from "./ranks.js";
import {pixels, standalone} from "./saving.js";

/** @typedef {import("../page/network.js").Network} Network */
/** @typedef {import("../page/store.js").Store} Store */
/** @typedef {import("./layout.js").Place} Place */

const HEATS = ["params", "macs", "activation_bytes", "saved_bytes"];

/** @type {(net: Network, chosen: Store, name?: string) => HTMLElement} */
export function graph(net, chosen, name = "") {
  const picture = svg("svg", {
    class: "network",
    role: "tree",
    "aria-label": `The graph of ${net.title}${name && `, ${name}`}`,
  });
  const view = html("div", {class: "view"}, picture);
  const scale = html("p", {class: "scale hint"});
  /** @type {Map<number, SVGElement>} */
  let drawn = new Map();
  /** @type {Map<number, Place>} */
  let places = new Map();
  let [width, height, zoom] = [0, 0, 1];

  const resize = () => {
    picture.setAttribute("width", String(Math.floor((width + 2 * MARGIN) * zoom)));
    picture.setAttribute("height", String(Math.floor((height + 2 * MARGIN) * zoom)));
    picture.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${width + 2 * MARGIN} ${height + 2 * MARGIN}`);
  };
  /** @type {(factor: number, at?: {x: number, y: number}) => void} */
  const zoomBy = (factor, at = {x: view.clientWidth / 2, y: view.clientHeight / 2}) => {
    const before = zoom;
    follows = false;
    zoom = Math.min(3, Math.max(Math.min(before, 0.05), zoom * factor));
    const [left, top] = [view.scrollLeft + at.x, view.scrollTop + at.y];
    resize();
    view.scrollLeft = (left * zoom) / before - at.x;
    view.scrollTop = (top * zoom) / before - at.y;
  };
  /** Whether the zoom follows what is unfolded, and whether that is all to be seen, be it legible or not. */
  let [follows, isOverview] = [true, false];
  let drawnIn = roomIn(view);
  /** @type {(whole: boolean) => void} */
  const fit = (whole) => {
    [follows, isOverview] = [true, whole];
    draw();
    view.scrollTo(0, 0);
  };
  /** @type {(node: number) => {x: number, y: number} | null} */
  const onScreen = (node) => {
    const place = places.get(node);
    return place
      ? {x: (place.x + MARGIN) * zoom - view.scrollLeft, y: (place.y + MARGIN) * zoom - view.scrollTop}
      : null;
  };

  /** The zoom at which nothing is to the right of what is seen. @type {() => number} */
  const toWidth = () =>
    Math.min(1, Math.max(0.6, (view.clientWidth || Number.POSITIVE_INFINITY) / (width + 2 * MARGIN)));
  /** The zoom at which all is seen. @type {() => number} */
  const toAll = () => Math.min(1, drawnIn.width / (width + 2 * MARGIN), drawnIn.height / (height + 2 * MARGIN));
  const draw = () => {
    const shown = seen(net, chosen.state.open);
    const found = arrows(net, shown);
    // Two networks side by side have a column each, so that they can be followed together.
    const zooms = isOverview ? ANY : name ? [] : LEGIBLE;
    drawnIn = roomIn(view);
    const whole = fitting(net, shown, found.arrows, drawnIn, zooms);
    const placed = whole?.placed ?? layout(net, shown, found.arrows);
    ({places, width, height} = placed);
    if (follows) zoom = whole?.zoom ?? (isOverview ? toAll() : toWidth());
    drawn = new Map();
    const groups = new Map([[0, svg("g")]]);
    const wires = found.arrows.map((arrow, index) => ({arrow, points: placed.wires[index]}));
    for (const node of [...shown.frames.slice(1), ...shown.boxes].sort((a, b) => a - b)) {
      const outer = /** @type {SVGElement} */ (groups.get(net.nodes.parent[node]));
      const place = /** @type {Place} */ (places.get(node));
      const inner = svg("g", {role: "group"});
      const isFrame = shown.box[net.first[node]] !== node && !isLayer(net, node);
      const made = isFrame ? frame(net, node, place, inner) : box(net, node, place, found.folded.get(node) ?? []);
      if (isFrame) groups.set(node, inner);
      drawn.set(node, made);
      outer.append(made);
    }
    const [plain, special] = [wires.filter((wire) => !wire.arrow.kind), wires.filter((wire) => wire.arrow.kind)];
    const lines = svg(
      "g",
      {"aria-hidden": "true"},
      ...[...special, ...plain].map(({arrow, points}) => line(arrow, points)),
    );
    // Below all else: what enters a frame does so below its title, which stays readable.
    picture.replaceChildren(lines, .../** @type {SVGElement} */ (groups.get(0)).childNodes);
    resize();
    heat();
    mark();
  };

  const heat = () => {
    const key = chosen.state.heat;
    picture.classList.toggle("heated", key !== "");
    /** @type {(node: number) => number} */
    const amount = (node) => (key ? known(column(net, key), node) : 0);
    const boxes = [...drawn].filter(([, made]) => made.classList.contains("box"));
    const most = largest(
      boxes.map(([node]) => amount(node)),
      1,
    );
    for (const [node, made] of boxes) {
      const glow = /** @type {SVGElement} */ (made.querySelector(".heat"));
      glow.setAttribute("fill-opacity", String(glowing(amount(node), most)));
    }
    scale.replaceChildren(
      ...(key
        ? heatScale(
            column(net, key),
            boxes.map(([node]) => node),
          )
        : []),
    );
  };

  const mark = () => {
    const selected = chosen.state.selected < 0 ? -1 : shownAs(net, chosen.state.open, chosen.state.selected);
    const first = drawn.keys().next().value;
    for (const [node, made] of drawn) {
      made.setAttribute("aria-selected", String(node === selected));
      made.setAttribute("tabindex", node === selected || (selected < 0 && node === first) ? "0" : "-1");
    }
  };

  /** Scrolls a node into view. @type {(node: number) => void} */
  const reveal = (node) => {
    const at = onScreen(shownAs(net, chosen.state.open, node));
    if (!at) return;
    if (at.y < 30 || at.y > view.clientHeight - 80) view.scrollTop += at.y - view.clientHeight / 3;
    if (at.x < 0 || at.x > view.clientWidth - BOX.width * zoom) view.scrollLeft += at.x - 40;
  };

  chosen.listen((change) => {
    if (change.open) {
      const kept = change.selected ?? chosen.state.selected;
      const before = kept >= 0 ? onScreen(kept) : null;
      const focused = picture.contains(document.activeElement);
      draw();
      const after = kept >= 0 ? onScreen(kept) : null;
      if (before && after) {
        view.scrollLeft += after.x - before.x;
        view.scrollTop += after.y - before.y;
      }
      if (focused) drawn.get(shownAs(net, chosen.state.open, kept))?.focus({preventScroll: true});
    } else if (change.selected !== undefined) mark();
    if (change.heat !== undefined) heat();
    if (change.selected !== undefined && change.selected >= 0) reveal(change.selected);
  });

  let dragged = false;
  picture.addEventListener("click", (event) => {
    const node = nodeAt(event);
    if (node < 0 || dragged) return;
    const isOpen = chosen.state.open.has(node);
    const onFrame = isOpen && !(/** @type {Element} */ (event.target).closest(".title"));
    if (isLayer(net, node) || onFrame) chosen.set({selected: node});
    else toggle(chosen, node);
    drawn.get(node)?.focus({preventScroll: true});
  });
  picture.addEventListener("pointerover", (event) => chosen.set({pointed: nodeAt(event)}));
  picture.addEventListener("pointerleave", () => chosen.set({pointed: -1}));
  picture.addEventListener("keydown", (event) => {
    const node = nodeAt(event);
    if (node < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const order = [...drawn.keys()];
    const place = order.indexOf(node);
    const isOpen = chosen.state.open.has(node);
    /** @type {Record<string, () => unknown>} */
    const keys = {
      ArrowDown: () => move(order[place + 1]),
      ArrowUp: () => move(order[place - 1]),
      Home: () => move(order[0]),
      End: () => move(order[order.length - 1]),
      ArrowRight: () => !isLayer(net, node) && (isOpen ? move(order[place + 1]) : toggle(chosen, node)),
      ArrowLeft: () => (isOpen ? toggle(chosen, node) : move(around(net, node)[0] || undefined)),
      Enter: () => (isLayer(net, node) ? chosen.set({selected: node}) : toggle(chosen, node)),
      " ": () => (isLayer(net, node) ? chosen.set({selected: node}) : toggle(chosen, node)),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  /** @type {(node: number | undefined) => void} */
  const move = (node) => {
    if (node === undefined) return;
    chosen.set({selected: node});
    drawn.get(node)?.focus({preventScroll: true});
  };

  view.addEventListener(
    "wheel",
    (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const frame = view.getBoundingClientRect();
      zoomBy(Math.exp(-event.deltaY / 300), {x: event.clientX - frame.left, y: event.clientY - frame.top});
    },
    {passive: false},
  );
  view.addEventListener("pointerdown", (event) => {
    dragged = false;
    if (event.pointerType !== "mouse" || event.button) return;
    const start = {x: event.clientX + view.scrollLeft, y: event.clientY + view.scrollTop};
    /** @type {(moved: PointerEvent) => void} */
    const drag = (moved) => {
      const [x, y] = [start.x - moved.clientX, start.y - moved.clientY];
      dragged ||= Math.hypot(x - view.scrollLeft, y - view.scrollTop) > 4;
      if (dragged) view.scrollTo(x, y);
    };
    const stop = () => {
      window.removeEventListener("pointermove", drag);
      window.removeEventListener("pointerup", stop);
    };
    window.addEventListener("pointermove", drag);
    window.addEventListener("pointerup", stop);
  });

  addHeads();
  draw();
  new ResizeObserver(() => {
    const {width: wide, height: high} = roomIn(view);
    // Paper has the graph as it was on the screen.
    if (matchMedia("print").matches || !follows) return;
    if (wide !== drawnIn.width || (high !== drawnIn.height && !name)) draw();
  }).observe(view);
  /** @type {(level: number) => void} */
  const openAll = (level) => {
    const open = new Set([0]);
    for (let node = 1; node < net.size; node += 1) {
      if (!isLayer(net, node) && net.depth[node] <= level) open.add(node);
    }
    if (level && !isDrawable(net, open)) return openAll(level - 1);
    said.textContent = level && level < levels ? `${level} of ${levels} levels: with more, a browser is slow` : "";
    chosen.set({open});
  };
  const said = html("span", {role: "status", class: "hint"});
  const file = `${net.title}${name && `-${name}`}`.replace(/[^\p{L}\p{N}.-]+/gu, "_").slice(0, 100);
  /** @type {(ending: string, made: (text: string) => Blob | Promise<Blob>) => Promise<void>} */
  const save = async (ending, made) => {
    try {
      download(`${file}.${ending}`, await made(standalone(picture, net.title)));
      said.textContent = "saved";
    } catch {
      said.textContent = "the browser doesn't draw a picture of this size";
    }
  };
  const levels = net.depth.reduce((most, each, node) => (isLayer(net, node) ? most : Math.max(most, each)), 0);
  const tools = html(
    "div",
    {class: "tools"},
    button("−", "Zoom out", () => zoomBy(1 / 1.25)),
    button("+", "Zoom in", () => zoomBy(1.25)),
    button("Fit", "Fit the width, at a size that can be read", () => fit(false)),
    button("Overview", "Show the whole graph, however small", () => fit(true)),
    button("Fold", "Fold all modules", () => openAll(0)),
    ...(levels > 0 ? [button("Unfold", "Unfold all modules", () => openAll(levels))] : []),
    choice(
      "Heat",
      [["", "none"], ...HEATS.map((key) => /** @type {[string, string]} */ ([key, column(net, key).title]))],
      (key) => chosen.set({heat: key}),
    ),
    menu(
      "Save",
      button("Save as SVG", "Save what is drawn as a picture that can be edited", () =>
        save("svg", (text) => new Blob([text], {type: "image/svg+xml"})),
      ),
      button("Save as PNG", "Save what is drawn as a picture in pixels", () => save("png", pixels)),
    ),
  );
  tools.append(said);
  return html("div", {class: "graph"}, tools, view, scale, legend(net));
}
