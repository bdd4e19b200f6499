import assert from "node:assert/strict";
import { test } from "node:test";

import { around, shared } from "../../../visualize/web/explorer/ancestry.js";

test("the part around a box stays on the input, and neighbours' fields overlap by what the stride leaves", () => {
  assert.deepEqual(around({ top: 0, left: 40, height: 20, width: 20 }, [96, 96]), { top: 0, left: 35, height: 30, width: 30 });
  assert.deepEqual(around({ top: 10, left: 70, height: 80, width: 26 }, [96, 96]), { top: 0, left: 57, height: 96, width: 39 });
  assert.equal(shared({ field: [31, 31], stride: [16, 16] }), 15 / 31);
  assert.equal(shared({ field: [4, 4], stride: [4, 4] }), 0);
});
