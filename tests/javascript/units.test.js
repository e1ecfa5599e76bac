import assert from "node:assert/strict";
import {test} from "node:test";
import {exact, share, worded as word} from "../../resnet_inspect/render/html/page/units.js";
import {worded} from "./python.js";

test("numbers are worded as Python words them", () => {
  for (const [name, amount, text] of worded) assert.equal(word(name, amount), text, `${name} of ${amount}`);
});

test("an unknown amount is not zero, and has no share", () => {
  for (const name of ["exact", "si", "binary"]) assert.equal(word(name, null), "n/a");
  assert.equal(exact(0), "0");
  assert.equal(share(1, 0), "n/a");
  assert.equal(share(1, 8), "12.5 %");
});
