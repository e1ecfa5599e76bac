// Live bytes of inference by step of execution, and what is alive at the peak.

import {html, pageWidth, section, svg} from "./element.js";
import {revealed} from "./fold.js";
import {binary, exact} from "./units.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */

const SIZE = {height: 220, left: 70, bottom: 24, top: 12};

/** @type {(net: Network, chosen: Store) => HTMLElement | null} */
export function timeline(net, chosen) {
  const memory = net.memory;
  if (!memory) return null;
  const live = memory.live.map(Number);
  const most = Math.max(1, live[memory.peak]);
  const {height, left, bottom, top} = SIZE;
  const width = pageWidth();
  const step = (width - left) / live.length;
  /** @type {(amount: number) => number} */
  const level = (amount) => height - bottom - ((height - bottom - top) * amount) / most;
  let path = `M${left} ${level(0)}`;
  live.forEach((amount, place) => {
    path += `V${level(amount).toFixed(1)}H${(left + (place + 1) * step).toFixed(1)}`;
  });
  path += `V${level(0)}Z`;
  const at = left + (memory.peak + 0.5) * step;
  const cursor = svg("path", {class: "cursor", d: ""});
  const name = (/** @type {number} */ layer) => net.nodes.id[net.nodeOf[layer]];
  const words = html("p", {class: "hint"}, "");
  const rest = `The peak is ${binary(live[memory.peak])} (${exact(memory.live[memory.peak])} bytes) while `;
  const told = () =>
    words.replaceChildren(rest, html("bdi", {}, name(memory.peak).slice(0, 200)), " runs, without weights.");
  told();
  const ticks = [0, 0.5, 1].map((part) =>
    svg("text", {class: "small right", x: left - 6, y: level(part * most) + 4}, binary(Math.round(part * most))),
  );
  const picture = svg(
    "svg",
    {
      class: "timeline",
      viewBox: `0 0 ${width} ${height}`,
      role: "img",
      "aria-label": `Live memory of ${net.title} by step, ${binary(live[memory.peak])} at most`,
    },
    ...ticks,
    svg("path", {class: "area", d: path}),
    svg("path", {class: "peak", d: `M${at} ${top}V${height - bottom}`}),
    svg("text", {class: "small", x: Math.min(at + 5, width - 40), y: top + 8}, "peak"),
    svg("text", {class: "small", x: left, y: height - 6}, "first layer"),
    svg("text", {class: "small right", x: width, y: height - 6}, `layer ${exact(live.length)}`),
    cursor,
  );
  /** @type {(event: MouseEvent) => number} */
  const place = (event) => {
    const frame = picture.getBoundingClientRect();
    const x = ((event.clientX - frame.left) / frame.width) * width;
    return Math.max(0, Math.min(live.length - 1, Math.floor((x - left) / step)));
  };
  picture.addEventListener("pointermove", (event) => {
    const layer = place(event);
    cursor.setAttribute("d", `M${left + (layer + 0.5) * step} ${top}V${height - bottom}`);
    words.replaceChildren(
      html("bdi", {}, name(layer).slice(0, 200)),
      `: ${binary(memory.live[layer])} alive (${exact(memory.live[layer])} bytes)`,
    );
  });
  picture.addEventListener("pointerleave", () => {
    cursor.setAttribute("d", "");
    told();
  });
  /** @type {(layer: number) => void} */
  const go = (layer) =>
    chosen.set({open: revealed(net, chosen.state.open, net.nodeOf[layer]), selected: net.nodeOf[layer]});
  picture.addEventListener("click", (event) => go(place(event)));
  const listed = memory.alive.map(([layer, size]) => {
    const link = html("button", {type: "button", class: "link"}, html("bdi", {}, name(layer).slice(0, 200)));
    link.addEventListener("click", () => go(layer));
    return html("li", {}, link, ` ${binary(size)}`);
  });
  if (memory.others) listed.push(html("li", {}, `and ${memory.others} smaller ones`));
  return section(
    "Memory over time",
    "memory",
    words,
    picture,
    html("p", {}, "Alive at the peak, outputs of:"),
    html("ul", {class: "alive", role: "list"}, ...listed),
  );
}
