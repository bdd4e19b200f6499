import assert from "node:assert/strict";
import { test } from "node:test";

import { brief, grouped, number, percent, precise } from "../../../visualize/web/words/format.js";

const THIN = "\u202f";

test("percentages have two digits that count", () => {
  const cases = [
    [0, "0"],
    [0.5, "50"],
    [1, "100"],
    [0.0999, "10"],
    [0.0622, "6.2"],
    [0.00512, "0.51"],
    [0.000512, "0.051"],
    [0.0000512, "0.005"],
    [0.000001, "<"],
  ];
  for (const [share, words] of cases) assert.ok(percent(share).startsWith(words), `${share} gave ${percent(share)}`);
  assert.equal(percent(0.0622), `6.2${THIN}%`);
});

test("where there is little room, small shares are only bounded", () => {
  assert.deepEqual([0, 0.0009, 0.0094, 0.0095, 0.25, 1].map(brief), [
    ...Array(3).fill(`<${THIN}1${THIN}%`),
    percent(0.0095),
    percent(0.25),
    percent(1),
  ]);
});

test("numbers have a true minus sign", () => {
  assert.equal(number(-2.104), "−2.10");
  assert.equal(number(31.26), "31.3");
  assert.equal(number(-1234.5), "−1235");
  assert.equal(number(0), "0");
});

test("sums are written with three digits that count", () => {
  assert.deepEqual([0.0683, -14.41, 0, 483.2, 1234, 0.00001234].map(precise), ["0.0683", "−14.4", "0", "483", "1234", "0.00001"]);
});

test("thousands stand apart", () => {
  assert.deepEqual([7, 1234, 1234567].map(grouped), ["7", `1${THIN}234`, `1${THIN}234${THIN}567`]);
});
