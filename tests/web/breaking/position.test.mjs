import assert from "node:assert/strict";
import { test } from "node:test";

import {
  alignedStep,
  changed,
  initial,
  isChanged,
  patchesOf,
  shaped,
  shapeOf,
  sizesOf,
} from "../../../visualize/web/breaking/position/settings.js";
import { mapOf } from "../../../visualize/web/breaking/two/map.js";

const grid = (side, stride) => ({ shape: [side / stride, side / stride], stride: [stride, stride], first: [0.5, 0.5], field: [1, 1] });
const model = (side, strides, kv) => ({
  input: [side, side],
  stages: strides.map((stride) => ({ query: grid(side, stride), key: grid(side, stride * kv) })),
});

test("aligned steps are those of visualize/change/positions.py", () => {
  assert.equal(alignedStep(model(96, [2, 4, 8], 2)), 16);
  assert.equal(alignedStep(model(224, [4, 8, 16], 2)), 32);
  assert.equal(alignedStep(model(224, [4, 8, 16], 1)), 16);
  assert.equal(alignedStep(model(192, [4, 12], 2)), 24);
  const open = model(96, [2, 4, 8], 2);
  open.stages[2].key.shape = [7, 6]; // does not close on itself
  assert.equal(alignedStep(open), null);
});

test("patches divide the input and move the last stage's tokens as a whole", () => {
  assert.deepEqual(patchesOf({ height: 96, width: 96 }, 8), [48, 32, 24, 16]);
  assert.deepEqual(patchesOf({ height: 224, width: 224 }, 16), [112, 32, 16]);
  assert.deepEqual(patchesOf({ height: 96, width: 48 }, 8), [48, 24, 16, 8]);
  assert.deepEqual(patchesOf({ height: 97, width: 97 }, 8), []);
});

test("sizes are multiples of the step, and the own one", () => {
  assert.deepEqual(sizesOf([96, 96], 16), [48, 64, 96, 128, 192]);
  assert.deepEqual(sizesOf([32, 32], 32), [32, 64]);
  assert.deepEqual(shaped(96, "narrow"), { height: 96, width: 48 });
  assert.deepEqual(shaped(96, "low"), { height: 48, width: 96 });
  for (const shape of ["own", "narrow", "low"]) assert.equal(shapeOf(shaped(96, shape)), shape);
});

test("a change is one that the server would make, and a size keeps only patches that fit", () => {
  const start = initial([96, 96]);
  assert.equal(isChanged(start, [96, 96]), false);
  assert.equal(isChanged({ ...start, seed: 3 }, [96, 96]), false);
  for (const change of [{ right: -1 }, { turn: 5 }, { padding: "reflect" }, { width: 48 }, { patch: 8 }])
    assert.equal(isChanged({ ...start, ...change }, [96, 96]), true);
  assert.equal(changed({ ...start, patch: 24 }, { height: 64, width: 64 }).patch, 0);
  assert.equal(changed({ ...start, patch: 16 }, { height: 64, width: 64 }).patch, 16);
});

test("similarity lights from its mean on, attention from uniform on", () => {
  const stage = { query: grid(16, 8), key: grid(16, 8) };
  const answer = {
    similarity: [
      [-0.5, 0.5],
      [0.1, 0.3],
    ],
    attention: {
      weights: [
        [0.1, 0.2],
        [0.05, 0.6],
      ],
      cls: 0.05,
    },
  };
  const alike = mapOf(answer, stage, "alike");
  assert.equal(alike.best, 1);
  assert.equal(alike.light(0.5), 1);
  assert.equal(alike.light(0.1), 0); // the mean
  assert.equal(alike.light(-0.5), 0);
  const looks = mapOf(answer, stage, "looks");
  assert.equal(looks.best, 3);
  assert.equal(looks.light(0.6), 1);
  assert.equal(looks.light(0.2), 0); // one of five keys
});
