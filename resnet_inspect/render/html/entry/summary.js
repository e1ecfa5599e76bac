// The page of one network.

import {unpacked} from "../page/documents.js";
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
const main = /** @type {HTMLElement} */ (document.querySelector("main"));
main.append(explorer(net, chosen), treemap(net, chosen));
const memory = timeline(net, chosen);
if (memory) main.append(memory);
permalink(net, chosen);
document.documentElement.dataset.ready = "";
