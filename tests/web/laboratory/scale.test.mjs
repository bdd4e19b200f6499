import assert from "node:assert/strict";
import { test } from "node:test";

import { blocks, fieldBox, keyCells, lines, pair, scaleOf } from "../../../visualize/web/laboratory/scale.js";

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

const grid = { shape: [4, 4], first: [0.5, 0.5], stride: [4, 4] }; // of a picture of 16 pixels; the first cell is cut at the edge

test("cells lie where their centres are, not where an even division would put them", () => {
  assert.deepEqual(lines(grid, 16, 160), { rows: [25, 65, 105], columns: [25, 65, 105] });
  assert.deepEqual(lines(grid, 16, 4).rows, []);
  const keys = keyCells({ shape: [2, 2], first: [0.5, 0.5], stride: [8, 8] }, 16, 160, 0.5);
  assert.equal(keys.length, 4);
  assert.deepEqual(keys[0], { x: 0, y: 0, width: 25, height: 25 });
  assert.deepEqual(keys[3], { x: 65, y: 65, width: 40, height: 40 });
  assert.equal(keyCells({ shape: [65, 65], first: [0, 0], stride: [1, 1] }, 65, 100), null);
});

test("a field lies around the token in the middle, as large as it is, cut at the edge", () => {
  assert.deepEqual(fieldBox(grid, [4, 8], 16, 160), { x: 45, y: 65, width: 80, height: 40 });
  assert.deepEqual(fieldBox(grid, [99, 99], 16, 160), { x: 0, y: 0, width: 160, height: 160 });
});

test("two bars share their scale", () => {
  assert.deepEqual(pair(1, 4, 8), [0.125, 0.5]);
  assert.deepEqual(pair(undefined, 4, 4), [0, 1]);
  assert.deepEqual(pair(0, 0, 0), [0, 0]);
});
