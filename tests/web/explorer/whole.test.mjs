import assert from "node:assert/strict";
import { test } from "node:test";

import { shareOf, sidesIn } from "../../../visualize/web/explorer/whole.js";

test("the whole picture keeps its shape, and a panorama stays tall enough to be seen", () => {
  assert.deepEqual(sidesIn([4000, 3000], 560), [128, 96]);
  assert.deepEqual(sidesIn([300, 400], 560), [96, 128]);
  assert.deepEqual(sidesIn([4000, 3000], 400), [96, 72]);
  assert.deepEqual(sidesIn([2000, 200], 560), [220, 22]);
  assert.deepEqual(sidesIn([200, 2000], 560), [22, 220]);
  assert.deepEqual(sidesIn([5000, 100], 560), [336, 7]); // no longer than the frame has room
  assert.deepEqual(sidesIn([90, 1], 100), [60, 1]);
});

test("the share is of the area", () => {
  assert.equal(shareOf([900, 0, 1100, 200], [2000, 200]), 0.1);
  assert.equal(shareOf([0, 0, 7, 5], [7, 5]), 1);
});
