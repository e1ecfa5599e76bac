// The page of a report: plots, a table, and the network that it is about, if it is one.

import {choosable} from "../page/axes.js";
import {chart} from "../page/chart.js";
import {unpacked} from "../page/documents.js";
import {emptied, html, section} from "../page/element.js";
import {explorer} from "../page/explorer.js";
import {firstFold, ROOM, revealed} from "../page/fold.js";
import {network} from "../page/network.js";
import {permalink} from "../page/permalink.js";
import {sortable} from "../page/sortable.js";
import {store} from "../page/store.js";

const data = JSON.parse(await unpacked("data"));
const main = emptied();
/** @type {(texts: string[]) => HTMLElement[]} */
const hints = (texts) => texts.map((text) => html("p", {class: "hint"}, text));
const notes = html("div", {class: "notes"}, ...hints(data.notes));
if (data.panels.length)
  main.append(
    section(
      "Plots",
      "plots",
      html(
        "div",
        {class: "charts"},
        ...(data.axes
          ? [choosable(data.axes, (texts) => notes.replaceChildren(...hints(texts)))]
          : data.panels.map((/** @type {import("../page/chart.js").Panel} */ panel) =>
              chart(panel, data.panels.length),
            )),
      ),
    ),
  );
main.append(notes);
if (data.network) {
  const net = network(data.network);
  const chosen = store(firstFold(net, ROOM));
  /** Selects the addition that ends a block. @type {(row: number) => void} */
  const pick = (row) => {
    const node = net.nodeOf[net.blocks[row].join];
    chosen.set({open: revealed(net, chosen.state.open, node), selected: node});
    main.lastElementChild?.scrollIntoView({block: "nearest"});
  };
  main.append(section("Residual blocks", "listing", sortable(data.table, pick)), explorer(net, chosen));
  permalink(net, chosen);
} else if (data.table.rows.length) main.append(section("Table", "listing", sortable(data.table)));
document.documentElement.dataset.ready = "";
