import assert from "node:assert/strict";
import { test } from "node:test";

import { apart, cut, ticks } from "../../../visualize/web/breaking/plot.js";

test("labels that lie too close move apart, in their order, and stay above the bottom", () => {
  assert.deepEqual(apart([10, 50, 100], 12, 200), [10, 50, 100]);
  assert.deepEqual(apart([100, 98, 10], 12, 200), [110, 98, 10]);
  assert.deepEqual(apart([200, 200, 199], 12, 200), [188, 200, 176]);
  const many = apart([5, 190, 191, 192, 193, 200], 15, 200);
  const sorted = [...many].sort((one, two) => one - two);
  assert.ok(sorted.slice(1).every((each, index) => each - sorted[index] >= 15 - 1e-9));
  assert.ok(Math.max(...many) <= 200);
});

test("ticks are round numbers from zero", () => {
  assert.deepEqual(ticks(100), [0, 20, 40, 60, 80, 100]);
  assert.deepEqual(ticks(54), [0, 20, 40]);
  assert.deepEqual(ticks(7), [0, 2, 4, 6]);
  assert.deepEqual(ticks(270), [0, 100, 200]);
});

test("a name that is too long ends in an ellipsis", () => {
  assert.equal(cut("lesser panda", 200, 14), "lesser panda");
  assert.equal(cut("lesser panda", 60, 14), "lesser…");
});
