import assert from "node:assert/strict";
import { test } from "node:test";

import { runId } from "../../../visualize/web/laboratory/runs.js";

test("names of runs differ and are short", () => {
  const names = new Set(Array.from({ length: 50 }, runId));
  assert.equal(names.size, 50);
  assert.ok([...names].every((each) => /^[0-9a-f]{32}$/.test(each)));
});
