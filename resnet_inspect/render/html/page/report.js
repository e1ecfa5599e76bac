// The page of a report: plots, a table, and the network that it is about, if it is one.

import {chart} from "./chart.js";
import {unpacked} from "./documents.js";
import {html, section} from "./element.js";
import {explorer} from "./explorer.js";
import {firstFold, revealed} from "./fold.js";
import {network} from "./network.js";
import {permalink} from "./permalink.js";
import {sortable} from "./sortable.js";
import {store} from "./store.js";

const ROOM = 28;

const data = JSON.parse(await unpacked("data"));
const main = /** @type {HTMLElement} */ (document.querySelector("main"));
if (data.panels.length)
  main.append(
    section(
      "Plots",
      "plots",
      html(
        "div",
        {class: "charts"},
        ...data.panels.map((/** @type {import("./chart.js").Panel} */ panel) => chart(panel, data.panels.length)),
      ),
    ),
  );
main.append(...data.notes.map((/** @type {string} */ note) => html("p", {class: "hint"}, note)));
if (data.network) {
  const layers = JSON.parse(await unpacked("network")).layers;
  const net = network(data.network);
  const chosen = store(firstFold(net, ROOM));
  /** Selects the addition that ends a block. @type {(row: number) => void} */
  const pick = (row) => {
    const node = net.nodeOf[net.blocks[row].join];
    chosen.set({open: revealed(net, chosen.state.open, node), selected: node});
    main.lastElementChild?.scrollIntoView({block: "nearest"});
  };
  main.append(
    section("Residual blocks", "listing", sortable(data.table, pick)),
    explorer(net, chosen, () => layers),
  );
  permalink(net, chosen);
} else if (data.table.rows.length) main.append(section("Table", "listing", sortable(data.table)));
document.documentElement.dataset.ready = "";
