import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import {
  alike,
  changedStages,
  choices,
  differs,
  indexOf,
  initial,
  isBaseline,
  question,
  remedied,
  withCount,
  withValue,
} from "../../../visualize/web/laboratory/architecture.js";

const { about, paddings, counts } = JSON.parse(readFileSync(join(process.env.LABORATORY_CASES, "architecture.json"), "utf8"));

test("it begins at the baseline, and a change touches one field of one stage and nothing in place", () => {
  const state = initial(about);
  assert.ok(isBaseline(state, about));
  const changed = withValue(state, 1, "depth", 7, about);
  assert.deepEqual(
    changed.stages.map((stage) => stage.depth),
    [1, 7, 3],
  );
  assert.deepEqual(
    state.stages.map((stage) => stage.depth),
    [1, 2, 3],
  );
  assert.ok(differs(changed, about, 1, "depth") && !differs(changed, about, 0, "depth"));
  assert.ok(!alike(state, changed) && alike(state, withValue(changed, 1, "depth", 2, about)));
  assert.ok(!isBaseline({ ...state, weights: "random" }, about));
  assert.ok(!alike(state, { ...state, side: 64 }));
});

test("what the server offers is set at once: one setting, several, or the input", () => {
  const changes = [
    { stage: null, name: "side", value: 64 },
    { stage: 0, name: "depth", value: 2 },
    { stage: 2, name: "depth", value: 1 },
  ];
  const state = remedied(initial(about), changes, about);
  assert.equal(state.side, 64);
  assert.deepEqual(
    state.stages.map((stage) => stage.depth),
    [2, 2, 1],
  );
});

test("the padding of the conv embedding follows, as it does on the server", () => {
  for (const { stage, name, value, then, padding } of paddings) {
    let state = withValue(initial(about), stage, name, value, about);
    if (then) state = withValue(state, stage, ...then, about);
    assert.deepEqual(state.stages[stage].patch_padding, padding, `${name} ${value} ${then}`);
  }
});

test("stages come and go; the last one keeps the cls token; the server can build each", () => {
  const made = [1, 2, 3, 4].map((count) => withCount(initial(about), count, about).stages);
  assert.deepEqual(
    made.map((stages) => stages.map((stage) => stage.cls_token)),
    [[true], [false, true], [false, false, true], [false, false, false, true]],
  );
  assert.deepEqual(made, counts);
  const back = withCount(withCount(initial(about), 4, about), 3, about);
  assert.ok(alike(back, initial(about)));
  const without = withValue(initial(about), 2, "cls_token", false, about);
  assert.deepEqual(
    withCount(without, 4, about).stages.map((stage) => stage.cls_token),
    [false, false, false, false],
  );
});

test("a control offers the baseline's own value too", () => {
  const setting = { values: [16, 32, 48] };
  assert.deepEqual(choices(setting, 32), [16, 32, 48]);
  assert.deepEqual(choices(setting, 40), [16, 32, 40, 48]);
  assert.deepEqual(choices(setting, [7, 3]), [16, 32, 48, [7, 3]]);
  assert.equal(indexOf([16, [7, 3]], [7, 3]), 1);
});

test("the server is asked for no more than the architecture", () => {
  const state = initial(about);
  assert.deepEqual(Object.keys(question(state)), ["stages", "side"]);
  assert.deepEqual(question(state, [0, "depth"]).moved, [0, "depth"]);
});

test("which stages a change concerns, with those that are new", () => {
  const state = initial(about);
  assert.deepEqual(changedStages(state, state), []);
  assert.deepEqual(changedStages(state, withValue(withValue(state, 2, "depth", 1, about), 0, "depth", 5, about)), [0, 2]);
  assert.deepEqual(changedStages(state, withCount(state, 4, about)), [2, 3]); // the cls token moved
  assert.deepEqual(changedStages(withCount(state, 4, about), state), [2]);
  assert.ok(!differs(withCount(state, 4, about), about, 3, "depth"));
});
