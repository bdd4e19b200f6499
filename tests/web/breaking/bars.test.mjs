// The classes before and after, side by side.

import assert from "node:assert/strict";
import { test } from "node:test";

import { compared } from "../../../visualize/web/breaking/bars.js";

const top = (shares) => Object.entries(shares).map(([label, probability]) => ({ label, probability }));

test("the largest of both sides come first, and what one side does not list is null there", () => {
  const before = top({ panda: 0.9, bear: 0.05, fox: 0.03, cat: 0.01, dog: 0.005 });
  const after = top({ oboe: 0.7, panda: 0.1, web: 0.08, bear: 0.02, fox: 0.01 });
  assert.deepEqual(compared(before, after), [
    { label: "panda", before: 0.9, after: 0.1 },
    { label: "oboe", before: null, after: 0.7 },
    { label: "web", before: null, after: 0.08 },
    { label: "bear", before: 0.05, after: 0.02 },
  ]);
});

test("while nothing is changed there is one side", () => {
  assert.deepEqual(compared(top({ panda: 0.9, bear: 0.1 }), null), [
    { label: "panda", before: 0.9, after: null },
    { label: "bear", before: 0.1, after: null },
  ]);
  assert.deepEqual(compared([], null), []);
});
