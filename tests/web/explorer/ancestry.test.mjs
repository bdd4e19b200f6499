import assert from "node:assert/strict";
import { test } from "node:test";

import { shared, surroundings } from "../../../visualize/web/explorer/ancestry.js";
import { neighbours } from "../../../visualize/web/explorer/cells.js";

test("the part around a box stays on the input, and neighbours' fields overlap by what the stride leaves", () => {
  assert.deepEqual(surroundings({ top: 0, left: 40, height: 20, width: 20 }, [96, 96]), { top: 0, left: 35, height: 30, width: 30 });
  assert.deepEqual(surroundings({ top: 10, left: 70, height: 80, width: 26 }, [96, 96]), { top: 0, left: 57, height: 96, width: 39 });
  assert.equal(shared({ field: [31, 31], stride: [16, 16] }), 15 / 31);
  assert.equal(shared({ field: [4, 4], stride: [4, 4] }), 0);
});

test("a token in a grid of one column has no neighbour", () => {
  assert.deepEqual(neighbours({ row: 2, column: 0 }, [4, 1]), [{ row: 2, column: 0 }]);
  assert.deepEqual(
    neighbours({ row: 2, column: 3 }, [4, 4]).map(({ column }) => column),
    [2, 3],
  );
});
