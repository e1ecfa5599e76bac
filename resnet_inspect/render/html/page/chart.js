// Plots: points with their names, or a line; the Pareto front where little of x and much of y is wanted.

import {html, pageWidth, svg} from "./element.js";

/** @typedef {{x: string, y: string, points: [number, number, string, string][], line: boolean, missing: number[], front: [number, number][]}} Panel */

const EDGES = {left: 64, right: 24, top: 18, bottom: 46};
const FAMILIES = 8;
const LETTER = 6.2;
/** Of more points than these, the line is what people see. */
const CROWD = 100;
/** So many times farther from its point a name is tried, by a line of letters each. */
const RINGS = 8;

/** One of `count` plots beside one another. @type {(panel: Panel, count: number) => HTMLElement} */
export function chart(panel, count) {
  const {left, right, top, bottom} = EDGES;
  const [width, height] = count > 1 ? [460, 320] : [Math.min(860, pageWidth()), 460];
  const across = scale([...panel.points.map(([x]) => x), ...panel.missing], !panel.line);
  const up = scale(panel.points.map(([, y]) => y));
  /** @type {(x: number) => number} */
  const placeX = (x) => left + across.part(x) * (width - left - right);
  /** @type {(y: number) => number} */
  const placeY = (y) => height - bottom - up.part(y) * (height - top - bottom);
  const families = [...new Set(panel.points.map(([, , , family]) => family))];
  const picture = svg("svg", {
    class: "chart",
    viewBox: `0 0 ${width} ${height}`,
    role: "img",
    "aria-label": `${panel.y} against ${panel.x}`,
  });
  for (const tick of across.ticks) {
    picture.append(
      svg("path", {class: "grid", d: `M${placeX(tick)} ${top}V${height - bottom}`}),
      svg("text", {class: "small middle", x: placeX(tick), y: height - bottom + 16}, plain(tick)),
    );
  }
  for (const tick of up.ticks) {
    picture.append(
      svg("path", {class: "grid", d: `M${left} ${placeY(tick)}H${width - right}`}),
      svg("text", {class: "small right", x: left - 8, y: placeY(tick) + 4}, plain(tick)),
    );
  }
  picture.append(
    svg("text", {class: "title middle", x: (left + width - right) / 2, y: height - 8}, panel.x),
    svg(
      "text",
      {class: "title middle", transform: `translate(14 ${(top + height - bottom) / 2}) rotate(-90)`},
      panel.y,
    ),
  );
  for (const x of panel.missing)
    picture.append(
      svg(
        "path",
        {class: "missing", d: `M${placeX(x)} ${top}V${height - bottom}`},
        svg("title", {}, `${x}: doesn't fit`),
      ),
    );
  /** @type {(points: [number, number][]) => string} */
  const along = (points) =>
    points.map(([x, y], place) => `${place ? "L" : "M"}${placeX(x).toFixed(1)} ${placeY(y).toFixed(1)}`).join("");
  if (panel.line) picture.append(svg("path", {class: "curve", d: along(panel.points.map(([x, y]) => [x, y]))}));
  if (panel.front.length > 1) picture.append(svg("path", {class: "front", d: along(panel.front)}));
  /** @type {{x: number, y: number, width: number}[]} */
  const taken = panel.points.map(([x, y]) => ({x: placeX(x) - 5, y: placeY(y) + 5, width: 10}));
  panel.front.slice(1).forEach(([x, y], place) => {
    // Names keep away from the line as well: it is so many small places.
    const [x0, y0] = [placeX(panel.front[place][0]), placeY(panel.front[place][1])];
    for (let part = 0; part < 40; part += 1) {
      taken.push({x: x0 + ((placeX(x) - x0) * part) / 40 - 2, y: y0 + ((placeY(y) - y0) * part) / 40 + 4, width: 4});
    }
  });
  for (const [x, y, label, family] of panel.points) {
    const group = svg(
      "g",
      {class: `family-${families.indexOf(family) % FAMILIES}`},
      svg("circle", {cx: placeX(x), cy: placeY(y), r: panel.points.length > CROWD ? 1 : panel.line ? 3 : 5}),
      svg("title", {}, `${label}${label && ": "}${plain(x)}, ${plain(y)}`),
    );
    const at = label && spot(placeX(x), placeY(y), label.length * LETTER, taken, width, height);
    if (at) {
      taken.push(at);
      const [end, base] = [Math.min(Math.max(placeX(x), at.x), at.x + at.width), at.y - 4];
      if (Math.hypot(end - placeX(x), base - placeY(y)) > 20)
        group.prepend(svg("path", {class: "leader", d: `M${placeX(x)} ${placeY(y)}L${end} ${base}`}));
      group.append(svg("text", {class: "small", x: at.x, y: at.y}, label));
    }
    picture.append(group);
  }
  return html("figure", {}, picture);
}

/**
 * A free place for a name beside its point, or none: the table has it, and pointing shows it.
 * @type {(x: number, y: number, width: number, taken: {x: number, y: number, width: number}[], right: number, bottom: number) => {x: number, y: number, width: number} | null}
 */
function spot(x, y, width, taken, right, bottom) {
  /** @type {[number, number][]} */
  const places = [
    [x + 8, y + 4],
    [x - 8 - width, y + 4],
    [x - width / 2, y - 9],
    [x - width / 2, y + 17],
    [x + 7, y - 7],
    [x + 7, y + 15],
    [x - 8 - width, y - 8],
    [x - 8 - width, y + 16],
  ];
  for (let ring = 1; ring <= RINGS; ring += 1) {
    const away = 13 * ring;
    places.push(
      [x + 8 + away, y + 4],
      [x - width / 2, y - 9 - away],
      [x - width / 2, y + 17 + away],
      [x - 8 - width - away, y + 4],
      [x + 7 + away / 2, y - 7 - away],
      [x + 7 + away / 2, y + 15 + away],
      [x - 8 - width - away / 2, y - 8 - away],
      [x - 8 - width - away / 2, y + 16 + away],
    );
  }
  for (const [left, base] of places) {
    const isInside = left > EDGES.left && left + width < right && base > EDGES.top && base < bottom - EDGES.bottom;
    const isFree = taken.every(
      (other) => left + width < other.x || left > other.x + other.width || Math.abs(base - other.y) > 11,
    );
    if (isInside && isFree) return {x: left, y: base, width};
  }
  return null;
}

/** From so many times the least on, amounts stand by their logarithms: else one large network presses all others together. */
const FAR = 30;
/** An axis has fewer of them, unless its ends are as near to each other as numbers can be. */
const MOST_TICKS = 10;

/**
 * Round numbers over the range of some values, with room at its ends, and which part of the range lies below a value.
 * @type {(values: number[], mayBend?: boolean) => {ticks: number[], part: (value: number) => number}}
 */
export function scale(values, mayBend = false) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const bends = mayBend && values.length > 1 && least > 0 && most / least > FAR;
  const bent = bends ? Math.log10 : (/** @type {number} */ value) => value;
  const span = values.length && most > least ? bent(most) - bent(least) : Math.abs(most) || 1;
  const [low, high] = values.length ? [bent(least) - span * 0.06, bent(most) + span * 0.1] : [0, 1];
  const ticks = [];
  if (bends) {
    for (let power = Math.floor(low); power <= high; power += 1) {
      const near = [1, 2, 5].map((digit) => digit * 10 ** power);
      ticks.push(...near.filter((tick) => bent(tick) >= low && bent(tick) <= high));
    }
  } else {
    const power = 10 ** Math.floor(Math.log10((high - low) / 5));
    const step = power * ([1, 2, 5, 10].find((each) => (high - low) / (power * each) <= 7) ?? 10);
    // Each by its number, as a step may be too small to change what it is added to.
    const [first, last] = [Math.ceil(low / step), Math.floor(high / step)];
    for (let at = 0; at <= Math.min(last - first, MOST_TICKS); at += 1)
      ticks.push(Number(((first + at) * step).toPrecision(12)));
  }
  return {ticks, part: (value) => (bent(value) - low) / (high - low)};
}

/** @type {(value: number) => string} */
function plain(value) {
  return Number(value.toPrecision(4))
    .toString()
    .replace(/\B(?<!\..*)(?=(\d{3})+(?!\d))/g, ",");
}
