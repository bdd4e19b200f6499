import assert from "node:assert/strict";
import { test } from "node:test";

import { phrase } from "../../../visualize/web/words/phrase.js";

test("values stand where they are named, and one is one, all else are several", () => {
  assert.equal(phrase("place", { row: 2, column: "<b>$&" }), "row 2, column <b>$&");
  assert.deepEqual(
    [0, 1, 2].map((blocks) => phrase("blocks", { blocks })),
    ["0 blocks, first to last.", "1 block, first to last.", "2 blocks, first to last."],
  );
});

test("a value that is missing is no gap in a sentence", () => {
  assert.throws(() => phrase("place", { row: 2 }), /place lacks column/);
});
