import assert from "node:assert/strict";
import { test } from "node:test";

import { blocks, fieldSquare, keyCells, lines, pair, scaleOf } from "../../visualize/laboratory/scale.js";

const stage = { depth: 3, width: 64, heads: 4, mlp: 256 };

test("lengths are in one scale: twice as wide is twice as long, in any stage of either architecture", () => {
  const wide = { depth: 6, width: 128, heads: 2, mlp: 128 };
  const scale = scaleOf([{ stages: [stage] }, { stages: [stage, wide] }], 150, 60);
  assert.equal(scale.widest, 256);
  assert.equal(scale.deepest, 6);
  const length = (each) => each.attention.at(-1).x + each.attention.at(-1).width;
  const [first] = blocks(stage, scale);
  const [second] = blocks(wide, scale);
  const gap = 1;
  assert.ok(Math.abs((length(second) + gap) / (length(first) + gap) - 2) < 0.1);
  assert.ok(Math.abs(first.mlp.width - 150) < 1e-9);
  assert.ok(Math.abs(second.mlp.width - 75) < 1e-9);
});

test("as many bars as blocks, as many pieces as heads, none below the drawing", () => {
  const scale = scaleOf([{ stages: [stage] }], 150, 60);
  const drawn = blocks(stage, scale);
  assert.equal(drawn.length, 3);
  assert.ok(drawn.every((each) => each.attention.length === 4));
  const last = drawn.at(-1).mlp;
  assert.ok(last.y + last.height <= 60);
});

test("cells: one line fewer than cells, and none where they would flow together", () => {
  assert.deepEqual(lines(4, 100), [25, 50, 75]);
  assert.deepEqual(lines(96, 100), []);
  const keys = keyCells([2, 3], 90);
  assert.equal(keys.cells.length, 6);
  assert.deepEqual(keys.cells.at(-1), [60, 45]);
  assert.ok(keys.width < 30 && keys.height < 45);
  assert.equal(keyCells([65, 65], 100), null);
});

test("a field is drawn in the middle, as large as it is, and never beyond the picture", () => {
  assert.deepEqual(fieldSquare([32, 16], 64, 100), { x: 37.5, y: 25, width: 25, height: 50, all: false });
  assert.deepEqual(fieldSquare([99, 99], 64, 100), { x: 0, y: 0, width: 100, height: 100, all: true });
});

test("two bars share their scale", () => {
  assert.deepEqual(pair(1, 4, 8), [0.125, 0.5]);
  assert.deepEqual(pair(undefined, 4, 4), [0, 1]);
  assert.deepEqual(pair(0, 0, 0), [0, 0]);
});
