// The page of one network.

import {unpacked} from "./documents.js";
import {explorer} from "./explorer.js";
import {firstFold} from "./fold.js";
import {network} from "./network.js";
import {permalink} from "./permalink.js";
import {store} from "./store.js";
import {timeline} from "./timeline.js";
import {treemap} from "./treemap.js";

const ROOM = 28;

const data = JSON.parse(await unpacked("data"));
const layers = JSON.parse(await unpacked("network")).layers;
const net = network(data.network);
const chosen = store(firstFold(net, ROOM, data.depth));
const main = /** @type {HTMLElement} */ (document.querySelector("main"));
main.append(
  explorer(net, chosen, () => layers),
  treemap(net, chosen),
);
const memory = timeline(net, chosen);
if (memory) main.append(memory);
permalink(net, chosen);
document.documentElement.dataset.ready = "";
