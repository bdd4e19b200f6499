// What is on trial, as rows and as light.

import assert from "node:assert/strict";
import { test } from "node:test";

import { judgement, lit, METHODS, QUICK, rowsOf, SLOW, sorted } from "../../../visualize/web/breaking/trial/values.js";

const grid = { shape: [2, 2], first: [8, 8], stride: [16, 16] };
const map = (method, measures = {}) => ({
  method,
  stage: null,
  of_class: true,
  signed: false,
  flat: false,
  grid,
  values: [
    [1, 0],
    [4, 3],
  ],
  deletion: null,
  insertion: null,
  deletion_area: null,
  insertion_area: null,
  agreement: null,
  survives: null,
  beats: null,
  ...measures,
});
const judged = (method, deletion, insertion, more = {}) =>
  map(method, {
    deletion: [1, deletion],
    insertion: [0, insertion],
    deletion_area: deletion,
    insertion_area: insertion,
    agreement: deletion,
    ...more,
  });

test("every method is asked for once, and each has a row in one order", () => {
  assert.deepEqual([...METHODS].sort(), [...QUICK, ...SLOW].sort());
  assert.deepEqual(
    rowsOf([map("random"), map("occlusion"), map("rollout")]).map((row) => row.method),
    ["rollout", "occlusion", "random"],
  );
  assert.equal(rowsOf([map("rollout")])[0].gap, null);
});

test("several random maps are one row with the means of their measures", () => {
  const [row] = rowsOf([judged("random", 0.2, 0.5), judged("random", 0.4, 0.6), judged("random", 0.3, 0.4)]);
  const close = (one, two) => assert.ok(Math.abs(one - two) < 1e-12, `${one} ${two}`);
  close(row.deletion_area, 0.3);
  close(row.insertion_area, 0.5);
  close(row.gap, 0.2);
  close(row.deletion[1], 0.3);
  close(row.agreement, 0.3);
  assert.equal(row.survives, null);
});

test("the best come first, and random maps are not judged", () => {
  const rows = rowsOf([
    judged("rollout", 0.4, 0.5, { beats: false, survives: 0.99 }),
    judged("relevance", 0.4, 0.8, { beats: true, survives: 0.5 }),
    judged("occlusion", 0.1, 0.9, { beats: true, survives: -0.9 }),
    judged("random", 0.3, 0.9),
  ]);
  assert.deepEqual(
    sorted(rows).map((row) => row.method),
    ["occlusion", "random", "relevance", "rollout"],
  );
  const found = judgement(rows);
  const names = (list) => list.map((row) => row.method);
  assert.deepEqual(
    [found.count, names(found.beating), names(found.failing), names(found.steady)],
    [3, ["occlusion", "relevance"], ["rollout"], ["relevance", "rollout"]],
  );
});

test("light begins above what all alike would have", () => {
  const { light, values } = lit(map("rollout")); // the mean is 2
  assert.deepEqual(values, [1, 0, 4, 3]);
  assert.deepEqual([1, 2, 3, 4].map(light), [0, 0, 0.25, 0.5]); // full light at three times the mean, at least
  assert.deepEqual([0, 4].map(lit(map("rollout", { flat: true })).light), [0, 0]);
});

test("of signed maps what counts against is below zero, and outliers do not darken the rest", () => {
  const values = [Array.from({ length: 199 }, (_, index) => (index % 2 ? -2 : 2)).concat(50)];
  const { light } = lit(map("integrated_gradients", { signed: true, grid: { ...grid, shape: [1, 200] }, values }));
  assert.deepEqual([50, 2, 1, -1, -2].map(light), [1, 1, 0.5, -0.5, -1]);
});
