import assert from "node:assert/strict";
import {test} from "node:test";
import {csv, csvCell, markdown, markdownCell} from "../../resnet_inspect/render/html/page/copies.js";
import {copied} from "./python.js";

test("copied cells are escaped as in files", () => {
  assert.ok(copied.length > 30);
  for (const [cell, inCsv, inMarkdown] of copied) {
    assert.equal(csvCell(cell), inCsv, cell);
    assert.equal(markdownCell(cell), inMarkdown, cell);
  }
});

test("rows are lines", () => {
  const rows = [
    ["Layer", "Params"],
    ["a|b", "1,000"],
  ];
  assert.equal(csv(rows), 'Layer,Params\na|b,"1,000"\n');
  assert.equal(markdown(rows, [false, true]), "| Layer | Params |\n| :--- | ---: |\n| a\\|b | 1,000 |\n");
});
