// Answers graded against a truth: right and wrong ones, ties, and edges.

import assert from "node:assert/strict";
import { test } from "node:test";

import { allowed, best, grade, gradable } from "../../../visualize/web/lesson/grade.js";

const truth = (value, more = {}) => ({ value, sentence: "", ...more });

test("a choice is right or wrong; a tie is as right, a number is its text", () => {
  const ask = { kind: "choice" };
  assert.deepEqual(grade(ask, "2", truth("2")), { right: true, score: 1, gap: null });
  assert.deepEqual(grade(ask, "3", truth("2")), { right: false, score: 0, gap: null });
  assert.ok(grade(ask, "4", truth("2", { also: ["3", "4"] })).right);
  assert.ok(!grade(ask, "5", truth("2", { also: ["3", "4"] })).right);
  assert.ok(grade(ask, 2, truth("2")).right);
});

test("a number is right within its share of the truth, and of a twentieth of the scale near 0", () => {
  const ask = { kind: "number" };
  const scale = { least: 0, most: 100, step: 1, unit: "percent" };
  const right = (answer, value, of = ask) => grade(of, answer, truth(value), scale).right;
  assert.deepEqual([right(50, 40), right(50.1, 40), right(30, 40), right(29.9, 40)], [true, false, true, false]);
  assert.deepEqual([right(44, 40, { ...ask, tolerance: 0.1 }), right(44.1, 40, { ...ask, tolerance: 0.1 })], [true, false]);
  assert.deepEqual([right(1.25, 0), right(1.26, 0), right(0, 1.25)], [true, false, true]);
  assert.equal(allowed(-40, scale), 10);
  assert.deepEqual(grade(ask, 60, truth(40), scale), { right: false, score: 0, gap: 20 });
  assert.deepEqual(grade(ask, 35, truth(40), scale), { right: true, score: 0.75, gap: -5 });
  assert.deepEqual(grade(ask, 40, truth(40), scale), { right: true, score: 1, gap: 0 });
  assert.deepEqual(grade({ kind: "number", tolerance: 0 }, 41, truth(40)), { right: false, score: 0, gap: 1 });
});

test("cells are right from half way between uniform and the best", () => {
  const ask = { kind: "cells", count: 2 };
  const values = Float32Array.from([0.5, 0.2, 0.1, 0.1, 0.1]); // uniform 0.4, best 0.7, so right from 0.55
  const of = (...cells) => grade(ask, cells, truth(null, { values }));
  assert.ok(Math.abs(of(0, 1).score - 1) < 1e-6 && of(0, 1).right);
  assert.ok(of(2, 0).right && Math.abs(of(2, 0).gap.chosen - 0.6) < 1e-6);
  assert.deepEqual([of(1, 2).right, of(1, 2).score], [false, 0]);
  assert.deepEqual([of(0, 0).right, of(0).right], [false, false]); // the same cell does not count twice
  assert.deepEqual(of(2, 3, 0, 1), of(2, 3)); // nor do more than were asked for
  assert.deepEqual([of().right, of(99).score], [false, 0]);
  assert.deepEqual(best(values, 2), [0, 1]);
  const near = (share) => grade(ask, [0, 3], truth(null, { values: [0.5, 0.3, 0.2 - share, share] })).right; // uniform 0.5, best 0.8
  assert.deepEqual([near(0.14), near(0.16)], [false, true]);
  const three = grade({ kind: "cells", count: 3 }, [0, 1, 2], truth(null, { values }));
  assert.ok(Math.abs(three.gap.chosen - 0.8) < 1e-6 && Math.abs(three.gap.uniform - 0.6) < 1e-6);
});

test("where all cells are alike, or all are chosen, every answer is right", () => {
  const ask = { kind: "cells", count: 2 };
  assert.ok(grade(ask, [1, 2], truth(null, { values: new Float32Array(9).fill(0.01) })).right);
  assert.ok(grade(ask, [0, 1], truth(null, { values: Float32Array.of(1, 0) })).right);
});

test("without an answer nothing is right, without a truth nothing is graded", () => {
  assert.deepEqual(grade({ kind: "choice" }, null, truth("1")), { right: false, score: 0, gap: null });
  assert.deepEqual(grade({ kind: "number" }, 3, truth(null)), { right: false, score: 0, gap: null });
  assert.deepEqual([gradable(truth(null)), gradable(truth(0)), gradable(truth(null, { values: [1] }))], [false, true, true]);
});
