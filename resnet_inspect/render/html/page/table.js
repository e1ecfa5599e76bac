// The table: a tree of modules that folds with the graph, or all layers sorted by a column. Only the rows that are in
// view are in the page.

import {copy} from "./clipboard.js";
import {columns, fitting, MARK, NAMES} from "./columns.js";
import {csv, markdown} from "./copies.js";
import {button, html, nodeAt} from "./element.js";
import {lines, shownAs} from "./fold.js";
import {derived} from "./formulas.js";
import {menu} from "./menu.js";
import {around, called, isLayer} from "./network.js";
import {toggle} from "./store.js";

/** @typedef {import("./network.js").Network} Network */
/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./columns.js").Shown} Shown */

const ROW = 26;
const SPARE = 12;

/** What a cell says when somebody points at it: the exact number, and its formula where there is one. @type {(net: Network, node: number, column: Shown) => string} */
function why(net, node, {key, exact}) {
  const formula = isLayer(net, node) ? derived(net.formulas, net.nodes.layer[node], key) : "";
  return formula ? `${formula} = ${exact(node)}` : exact(node);
}

/** The layers by a column, the largest first; what isn't known is last. @type {(net: Network, by: Shown, falling: boolean) => number[]} */
function sorted(net, by, falling) {
  const order = falling ? 1 : -1;
  const {amount} = by;
  if (!amount) return net.nodeOf.slice().sort((a, b) => order * by.text(a).localeCompare(by.text(b)) || a - b);
  return net.nodeOf.slice().sort((a, b) => {
    const [one, two] = [amount(a), amount(b)];
    if (one === null || two === null) return Number(one === null) - Number(two === null) || a - b;
    return order * (two - one) || a - b;
  });
}

/** @type {(net: Network, chosen: Store) => HTMLElement} */
export function table(net, chosen) {
  const all = columns(net);
  const usual = new Set([MARK, ...net.shown]);
  let picked = usual;
  let sort = "";
  let falling = true;
  /** @type {number[]} */
  let rows = [];
  /** @type {Map<number, HTMLElement>} */
  let drawn = new Map();
  const head = html("div", {role: "row", class: "row titles", "aria-rowindex": 1});
  const body = html("div", {class: "body", role: "rowgroup"});
  const view = html("div", {class: "rows"}, html("div", {role: "rowgroup", class: "top"}, head), body);
  const grid = html("div", {role: "treegrid", class: "treegrid", "aria-label": `Layers of ${net.title}`}, view);

  const shown = () => all.filter((each) => picked.has(each.key));
  const arrange = () => {
    const by = all.find((each) => each.key === sort);
    rows = by ? sorted(net, by, falling) : lines(net, chosen.state.open);
    grid.setAttribute("aria-rowcount", String(rows.length + 1));
    body.style.height = `${rows.length * ROW}px`;
    titles();
    drawn = new Map();
    body.replaceChildren();
    fill();
  };
  /** The titles' elements stay where they are, so that they keep the focus. @type {() => void} */
  const titles = () => {
    const widths = shown().map(({amount, least}) => (amount ? `${least}px` : `minmax(${least}px, 1fr)`));
    const template = [`minmax(${NAMES}px, 1.7fr)`, ...widths];
    grid.style.setProperty("--columns", template.join(" "));
    const wanted = [{key: "", title: "Layer", amount: null}, ...shown()];
    if (
      wanted.length !== head.children.length ||
      wanted.some(({key}, at) => head.children[at].getAttribute("data-title") !== key)
    ) {
      head.replaceChildren(...wanted.map((each) => title(each.key, each.title, Boolean(each.amount))));
    }
    wanted.forEach(({key, amount}, at) => {
      const direction = key && key === sort ? (falling === Boolean(amount) ? "descending" : "ascending") : "none";
      head.children[at].setAttribute("aria-sort", direction);
    });
  };
  /** @type {(key: string, word: string, isNumber: boolean) => HTMLElement} */
  const title = (key, word, isNumber) => {
    const press = button(word, key ? `Sort by ${word}` : "In the order of execution, by module", () => {
      falling = key && sort === key ? !falling : true;
      sort = key;
      arrange();
    });
    return html("div", {role: "columnheader", class: isNumber ? "number" : "", "data-title": key}, press);
  };
  /** The rows that are in view, in their order, and the one that has the focus. @type {(whole?: boolean) => void} */
  const fill = (whole = false) => {
    const top = whole ? 0 : Math.max(0, Math.floor(view.scrollTop / ROW) - SPARE);
    const bottom = whole
      ? rows.length
      : Math.min(rows.length, Math.ceil((view.scrollTop + view.clientHeight) / ROW) + SPARE);
    const places = Array.from({length: Math.max(0, bottom - top)}, (_, step) => top + step);
    const focused = document.activeElement?.closest(".row");
    const kept = focused && body.contains(focused) ? Number(focused.getAttribute("aria-rowindex")) - 2 : -1;
    if (kept >= 0 && kept < top) places.unshift(kept);
    if (kept >= bottom) places.push(kept);
    const next = new Map(places.map((place) => [rows[place], drawn.get(rows[place]) ?? line(rows[place], place)]));
    for (const [node, made] of drawn) if (!next.has(node)) made.remove();
    drawn = next;
    [...next.values()].forEach((made, at) => {
      if (body.children[at] !== made) body.insertBefore(made, body.children[at] ?? null);
    });
    const selected = selectedRow();
    const reached = next.has(selected) ? selected : rows[top];
    for (const [node, made] of next) {
      made.setAttribute("aria-selected", String(node === selected));
      made.setAttribute("tabindex", node === reached ? "0" : "-1");
    }
  };
  const selectedRow = () => {
    const {selected, open} = chosen.state;
    return selected < 0 || sort ? selected : shownAs(net, open, selected);
  };
  /** @type {(node: number, place: number) => HTMLElement} */
  const line = (node, place) => {
    const isClosed = !isLayer(net, node) && !chosen.state.open.has(node);
    const isModule = !isLayer(net, node);
    const mark = net.marks?.[node];
    const name = sort ? net.nodes.id[node] : called(net, node);
    const cell = html("div", {role: "rowheader", class: "name", title: net.nodes.id[node].slice(0, 500)});
    if (!sort) cell.style.paddingLeft = `${(Math.min(net.depth[node], 20) - 1) * 14 + 6}px`;
    if (isModule && !sort) {
      const twist = html("span", {class: "twist", "aria-hidden": "true"}, isClosed ? "▸" : "▾");
      cell.append(twist);
    }
    cell.append(html("bdi", {}, name.slice(0, 500) || "(no name)"));
    const made = html(
      "div",
      {
        role: "row",
        class: `row ${isModule ? "module" : net.nodes.family[node]}${mark ? ` marked ${mark}` : ""}`,
        "data-node": node,
        "aria-rowindex": place + 2,
        "aria-level": sort ? 1 : net.depth[node],
        "aria-expanded": isModule && !sort ? String(!isClosed) : null,
      },
      cell,
      ...shown().map((each) => {
        const text = each.text(node);
        return html(
          "div",
          {
            role: "gridcell",
            class: `${each.amount ? "number" : ""}${text === "0" ? " zero" : ""}`,
            "data-key": each.key,
            "data-exact": each.exact(node).slice(0, 2000),
            title: why(net, node, each).slice(0, 500),
          },
          text.slice(0, 500),
        );
      }),
    );
    made.style.top = `${place * ROW}px`;
    return made;
  };

  /** Folds, while what is selected stays where it is seen, or else the row that is on top. @type {() => void} */
  const refold = () => {
    const {selected, open} = chosen.state;
    /** Where a row is below the top of what is seen. @type {(node: number) => number} */
    const below = (node) => rows.indexOf(node) * ROW - view.scrollTop;
    const isSeen = (/** @type {number} */ node) => below(node) >= 0 && below(node) <= view.clientHeight - 2 * ROW;
    const found = selected < 0 ? undefined : [selected, ...around(net, selected)].find(isSeen);
    const kept = found ?? rows[Math.ceil(view.scrollTop / ROW)] ?? 0;
    const before = below(kept);
    arrange();
    view.scrollTop += below(shownAs(net, open, found === undefined ? kept : selected)) - before;
  };
  chosen.listen((change) => {
    const had = body.contains(document.activeElement);
    if (change.open && !sort) refold();
    if (change.selected !== undefined && change.selected >= 0) {
      const place = rows.indexOf(selectedRow());
      const [top, bottom] = [view.scrollTop, view.scrollTop + view.clientHeight - 2 * ROW];
      if (place >= 0 && (place * ROW < top || place * ROW > bottom))
        view.scrollTop = place * ROW - view.clientHeight / 3;
    }
    if (change.open || change.selected !== undefined) fill();
    if (had) drawn.get(selectedRow())?.focus({preventScroll: true});
  });
  view.addEventListener("scroll", () => fill(), {passive: true});
  new ResizeObserver(() => {
    // Until somebody chooses columns, as many as there is room for; paper has those of the screen.
    const fits = fitting(all, usual, view.clientWidth);
    if (isChosen || matchMedia("print").matches || fits.size === picked.size) return fill();
    picked = fits;
    all.forEach(({key}, at) => {
      boxes[at].checked = picked.has(key);
    });
    arrange();
  }).observe(view);
  window.addEventListener("beforeprint", () => fill(true), {signal: chosen.ended});
  window.addEventListener("afterprint", () => fill(), {signal: chosen.ended});
  body.addEventListener("click", (event) => {
    const node = nodeAt(event);
    if (node < 0) return;
    if (/** @type {HTMLElement} */ (event.target).closest(".twist")) toggle(chosen, node);
    else chosen.set({selected: node});
  });
  body.addEventListener("dblclick", (event) => {
    const node = nodeAt(event);
    if (node >= 0 && !isLayer(net, node) && !sort) toggle(chosen, node);
  });
  body.addEventListener("pointerover", (event) => chosen.set({pointed: nodeAt(event)}));
  body.addEventListener("pointerleave", () => chosen.set({pointed: -1}));
  body.addEventListener("keydown", (event) => {
    const node = nodeAt(event);
    if (node < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const place = rows.indexOf(node);
    const page = Math.max(1, Math.floor(view.clientHeight / ROW) - 2);
    const isOpen = chosen.state.open.has(node);
    const folds = !sort && !isLayer(net, node);
    /** @type {Record<string, () => unknown>} */
    const keys = {
      ArrowDown: () => move(place + 1),
      ArrowUp: () => move(place - 1),
      PageDown: () => move(place + page),
      PageUp: () => move(place - page),
      Home: () => move(0),
      End: () => move(rows.length - 1),
      ArrowRight: () => folds && (isOpen ? move(place + 1) : toggle(chosen, node)),
      ArrowLeft: () => (folds && isOpen ? toggle(chosen, node) : move(rows.indexOf(around(net, node)[0]))),
      Enter: () => folds && toggle(chosen, node),
      " ": () => folds && toggle(chosen, node),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  /** @type {(place: number) => void} */
  const move = (place) => {
    const node = rows[Math.max(0, Math.min(rows.length - 1, place))];
    if (place < 0 || node === undefined) return;
    chosen.set({selected: node});
    drawn.get(node)?.focus({preventScroll: true});
  };

  let isChosen = false;
  const boxes = all.map(({key}) => {
    const box = /** @type {HTMLInputElement} */ (html("input", {type: "checkbox", checked: picked.has(key)}));
    box.addEventListener("change", () => {
      isChosen = true;
      picked = new Set(all.filter((_, at) => boxes[at].checked).map((each) => each.key));
      arrange();
    });
    return box;
  });
  const choices = all.map(({title}, at) => html("label", {}, boxes[at], ` ${title}`));
  /** The rows in their order, exact or as people read them. @type {(isExact: boolean) => string[][]} */
  const cells = (isExact) => [
    ["Layer", ...shown().map((each) => each.title)],
    ...rows.map((node) => [
      sort || isLayer(net, node) ? net.nodes.id[node] : called(net, node),
      ...shown().map((each) => {
        if (!isExact) return each.text(node);
        // Programs read numbers without commas; a word keeps its own.
        return each.amount ? each.exact(node).replaceAll(/(?<=\d),(?=\d{3})/g, "") : each.exact(node);
      }),
    ]),
  ];
  const copied = html("span", {role: "status", class: "copied"});
  const tools = html(
    "div",
    {class: "tools"},
    menu("Columns", ...choices),
    button("Copy CSV", "Copy these rows as CSV, with exact numbers", () => copy(csv(cells(true)), copied)),
    button("Copy Markdown", "Copy these rows as a Markdown table", () =>
      copy(markdown(cells(false), [false, ...shown().map((each) => Boolean(each.amount))]), copied),
    ),
    copied,
  );
  arrange();
  return html("div", {class: "table"}, tools, grid);
}
