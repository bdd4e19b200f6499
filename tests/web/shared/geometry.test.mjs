import assert from "node:assert/strict";
import { test } from "node:test";

import { ancestors, cellAt, cellBox, cellOf, clipped, fieldBox, gridBox } from "../../../visualize/web/shared/geometry.js";

// Stage 3 of CvT-13 at 224: token centres 16 px apart from 1.5, key centres 32 px apart.
const query = { shape: [14, 14], first: [1.5, 1.5], stride: [16, 16], field: [31, 31] };
const key = { shape: [7, 7], first: [1.5, 1.5], stride: [32, 32], field: [63, 63] };

test("the nearest cell, for every pixel, by brute force", () => {
  const grid = { shape: [5, 7], first: [3.5, -1], stride: [8, 6], field: [9, 9] };
  for (let y = 0; y < 48; y += 1.3) {
    for (let x = 0; x < 48; x += 1.7) {
      let best = null;
      for (let row = 0; row < 5; row++) {
        for (let column = 0; column < 7; column++) {
          const distance = (3.5 + 8 * row - y) ** 2 + (-1 + 6 * column - x) ** 2;
          if (!best || distance < best.distance - 1e-9) best = { row, column, distance };
        }
      }
      const found = cellAt(grid, y, x);
      const distance = (3.5 + 8 * found.row - y) ** 2 + (-1 + 6 * found.column - x) ** 2;
      assert.ok(Math.abs(distance - best.distance) < 1e-9);
      assert.deepEqual(cellOf(grid, found.index), found);
    }
  }
});

test("cells lie around their centres and may pass the picture's edge", () => {
  assert.deepEqual(cellBox(key, { row: 0, column: 1 }), { top: -14.5, left: 17.5, height: 32, width: 32 });
  assert.deepEqual(fieldBox(query, { row: 1, column: 0 }), { top: 2, left: -14, height: 31, width: 31 });
  assert.deepEqual(gridBox(key), { top: -14.5, left: -14.5, height: 224, width: 224 });
  assert.deepEqual(clipped(cellBox(key, { row: 0, column: 6 }), [224, 200]), { top: 0, left: 177.5, height: 17.5, width: 22.5 });
});

test("ancestors are the windows of the overlapping convolutions, cut at the edge", () => {
  const embedding = { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };
  const stages = [{ query: { shape: [56, 56] } }, { query: { shape: [28, 28] }, embedding }, { query: { shape: [14, 14] }, embedding }];
  assert.deepEqual(ancestors(stages, 2, { row: 5, column: 0 }), [
    { stage: 1, top: 9, left: 0, bottom: 11, right: 1 },
    { stage: 0, top: 17, left: 0, bottom: 23, right: 3 },
  ]);
  assert.deepEqual(ancestors(stages, 0, { row: 3, column: 3 }), []);
});
