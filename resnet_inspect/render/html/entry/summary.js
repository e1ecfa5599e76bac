// The page of one network.

import {fittingFold, roomIn} from "../graph/fitting.js";
import {unpacked} from "../page/documents.js";
import {emptied} from "../page/element.js";
import {explorer} from "../page/explorer.js";
import {firstFold, ROOM} from "../page/fold.js";
import {network} from "../page/network.js";
import {permalink} from "../page/permalink.js";
import {store} from "../page/store.js";
import {timeline} from "../page/timeline.js";
import {treemap} from "../page/treemap.js";

const data = JSON.parse(await unpacked("data"));
const net = network(data.network);
const chosen = store(firstFold(net, ROOM, data.depth));
const main = emptied();
const shown = explorer(net, chosen);
main.append(shown);
// The graph and what is beside it end where the window does, and all of the graph is seen at first.
const side = /** @type {HTMLElement} */ (shown.querySelector(".side"));
shown.style.setProperty("--above", `${Math.round(side.getBoundingClientRect().top + window.scrollY)}px`);
const view = /** @type {HTMLElement | null} */ (shown.querySelector(".view"));
if (view && data.depth === null) chosen.set({open: fittingFold(net, roomIn(view))});
main.append(treemap(net, chosen));
const memory = timeline(net, chosen);
if (memory) main.append(memory);
permalink(net, chosen);
document.documentElement.dataset.ready = "";
