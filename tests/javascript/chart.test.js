import assert from "node:assert/strict";
import {test} from "node:test";
import {scale} from "../../resnet_inspect/render/html/page/chart.js";

test("ticks are round numbers within the range, which all values are in", () => {
  assert.deepEqual(scale([0, 10]).ticks, [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(scale([25, 26]).ticks, [25, 25.2, 25.4, 25.6, 25.8, 26]);
  for (const values of [[3, 17, 5], [1e-9, 4e-9], [-5, 5], [7], [0], [1e90, 3e90], []]) {
    const {ticks, part} = scale(values);
    assert.ok(ticks.length >= 2 && ticks.length <= 8, `${values}: ${ticks}`);
    for (const each of [...values, ...ticks]) assert.ok(part(each) >= 0 && part(each) <= 1, `${values}: ${each}`);
  }
});

test("numbers that are next to each other have an axis", () => {
  for (const low of [1, 1e11, 2 ** 60, 1e90]) {
    const next = low * (1 + Number.EPSILON);
    for (const high of [next, next * (1 + Number.EPSILON)]) assert.ok(scale([low, high]).ticks.length < 20);
  }
});

test("what is far from each other has a logarithm's axis, where all is above zero", () => {
  assert.deepEqual(scale([1, 100], true).ticks, [1, 2, 5, 10, 20, 50, 100]);
  const {part} = scale([1, 100], true);
  assert.ok(Math.abs(part(10) - (part(1) + part(100)) / 2) < 1e-12);
  for (const values of [
    [1, 29],
    [0, 100],
  ]) {
    const even = scale(values, true);
    assert.ok(Math.abs(even.part(10) - (even.part(0) + even.part(20)) / 2) < 1e-12, String(values));
  }
});
