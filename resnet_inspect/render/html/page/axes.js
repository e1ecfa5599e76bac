// The plot of a comparison of networks, whose reader chooses what is across and what is up.

import {chart} from "./chart.js";
import {choice, html} from "./element.js";

/** @typedef {import("./chart.js").Panel} Panel */

/**
 * Models, their short names and families. A choice is [key, title, the networks' values, whether much of it is good].
 * @typedef {{models: string[], names: string[], families: string[], choices: [string, string, (number | null)[], boolean][], x: string, y: string}} Axes
 */

/** So many networks are named that a plot can't show. */
const LISTED = 10;

/** A choice by its key, or else the first. @type {(axes: Axes, key: string) => Axes["choices"][0]} */
const chosen = (axes, key) => axes.choices.find(([each]) => each === key) ?? axes.choices[0];

/**
 * One quantity against another. The front has the points of which each has more of y than all that have no more of x;
 * it is there where much of y is good and little of x.
 * @type {(axes: Axes, x: string, y: string) => Panel}
 */
export function panelOf(axes, x, y) {
  const [, titleX, across, isGoodX] = chosen(axes, x);
  const [, titleY, up, isGoodY] = chosen(axes, y);
  /** @type {Panel["points"]} */
  const points = [];
  axes.names.forEach((name, at) => {
    const [one, two] = [across[at], up[at]];
    if (one !== null && two !== null) points.push([one, two, name, axes.families[at]]);
  });
  /** @type {[number, number][]} */
  const front = [];
  if (isGoodY && !isGoodX) {
    for (const [one, two] of points.slice().sort((a, b) => a[0] - b[0] || b[1] - a[1])) {
      if (!front.length || two > front[front.length - 1][1]) front.push([one, two]);
    }
  }
  return {x: titleX, y: titleY, points, line: false, missing: [], front};
}

/** What isn't drawn, and which amount isn't known of it. @type {(axes: Axes, x: string, y: string) => string[]} */
export function absent(axes, x, y) {
  return [...new Set([x, y])].flatMap((key) => {
    const [, title, values, isAccuracy] = chosen(axes, key);
    const names = axes.models.filter((_, at) => values[at] === null);
    const why = isAccuracy ? `its library publishes no ${title}` : `its ${title} isn't known`;
    const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : "";
    return names.length ? [`not in the plot: ${names.slice(0, LISTED).join(", ")}${more} (${why})`] : [];
  });
}

/** `redrawn` hears of the notes that go with a plot that was chosen. @type {(axes: Axes, redrawn: (notes: string[]) => void) => HTMLElement} */
export function choosable(axes, redrawn) {
  let {x, y} = axes;
  const place = html("div", {}, chart(panelOf(axes, x, y), 1));
  const draw = () => {
    place.replaceChildren(chart(panelOf(axes, x, y), 1));
    redrawn(absent(axes, x, y));
  };
  const titles = axes.choices.map(([key, title]) => /** @type {[string, string]} */ ([key, title]));
  return html(
    "div",
    {},
    html(
      "div",
      {class: "tools"},
      choice(
        "Across",
        titles,
        (key) => {
          x = key;
          draw();
        },
        x,
      ),
      choice(
        "Up",
        titles,
        (key) => {
          y = key;
          draw();
        },
        y,
      ),
    ),
    place,
  );
}
