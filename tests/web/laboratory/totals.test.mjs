import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { breakdownOf, fitting } from "../../../visualize/web/laboratory/totals.js";

const { baseline } = JSON.parse(readFileSync(join(process.env.LABORATORY_CASES, "architecture.json"), "utf8")).about;

test("the parts add up to their stage, the stages and the classifier to the whole", () => {
  for (const measure of ["macs", "parameters"]) {
    const rows = breakdownOf(baseline, measure);
    const sum = (values) => values.reduce((all, each) => all + each, 0);
    for (const row of rows) assert.equal(sum(row.parts.map((each) => each.value)), row.total, row.label);
    assert.equal(sum(rows.map((row) => row.total)), baseline[measure]);
  }
});

test("a bar says its name and share, or its name, or nothing", () => {
  assert.deepEqual(
    [20, 9, 6, 3].map((letters) => fitting("MLP", "MLP 41 %", letters)),
    ["MLP 41 %", "MLP", "MLP", ""],
  );
});
