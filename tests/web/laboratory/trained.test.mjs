import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { runQuestion } from "../../../visualize/web/laboratory/architecture.js";
import { trainedAbout, trainedFinding, trainedName, trainedRows } from "../../../visualize/web/words/trained.js";

const table = JSON.parse(readFileSync(join(process.env.LABORATORY_CASES, "ablations.json"), "utf8"));
const plain = (text) => text.replaceAll(/[\u00a0\u202f]/g, " ");
const member = (wanted) => table.members.find(({ name }) => name === wanted);

test("each member's heading and finding have the table's numbers, and say better or worse only where the interval is clear of 0", () => {
  assert.equal(plain(trainedName(member("baseline"))), "CvT as it is, trained: 51.4 ± 0.7 %");
  const found = Object.fromEntries(table.members.slice(1).map((each) => [each.name, trainedFinding(each)]));
  assert.equal(found["no-overlap"], "Worse: −2.6 points, between −4.0 and −1.3.");
  assert.equal(found.mean, "Better: +3.5 points, between +2.1 and +4.9.");
  assert.equal(found.linear, "No clear difference: +0.1 points, between −1.3 and +1.5.");
  for (const { name, measures } of table.members.slice(1)) {
    const [low, high] = measures.top1_64.interval;
    assert.equal(found[name].startsWith("No clear difference"), low <= 0 && high >= 0, name);
  }
});

test("the numbers of a member stand beside the baseline's, for every side and for shifted pictures", () => {
  const rows = trainedRows(member("baseline"), member("kv-stride-1"));
  assert.deepEqual(
    rows.map(({ name, clear }) => [plain(name), clear]),
    [
      ["64×64 pixels", true],
      ["96×96 pixels", false],
      ["128×128 pixels", false],
      ["Shifted by up to 8 pixels", true],
    ],
  );
  assert.deepEqual([plain(rows[0].own), rows[0].difference], ["53.8 ± 0.6 %", "+2.4 (+1.0 to +3.8)"]);
  for (const each of plain(trainedAbout(table, member("mean"))).split(/[.:] /)) assert.ok(each.split(" ").length < 20, each);
});

test("a run asks for an ablation by its name, and for an architecture with its weights", () => {
  assert.deepEqual(runQuestion({ name: "mean", member: {} }, "a model"), { ablation: "mean" });
  const state = { stages: [{ depth: 1 }], side: 64, weights: "random", seed: 3 };
  assert.deepEqual(runQuestion(state, "a model"), { ...state, model: "a model" });
});
