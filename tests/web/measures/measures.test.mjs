// Every measure against what PyTorch and NumPy found (test_measures_js.py), and what each says where it cannot be asked.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { parse } from "../../../visualize/web/explorer/payload.js";
import { Result } from "../../../visualize/web/explorer/result.js";
import { initial } from "../../../visualize/web/explorer/state.js";
import { plain as withoutTerms } from "../../../visualize/web/shared/terms.js";
import { TERMS } from "../../../visualize/web/words/terms.js";
import { MEASURES as TABLE_OF_LESSONS } from "../../../visualize/web/choices.js";
import { MEASURES } from "../../../visualize/web/lesson/measures/measures.js";

const folder = process.env.MEASURES_CASES;
const { pictures, about, described, held, pairs, ablations: TABLE } = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"));

function bytes(name) {
  const content = readFileSync(join(folder, `${name}.bin`));
  return content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength);
}
function open(name, source = null) {
  const { header, arrays } = parse(bytes(name));
  return new Result(header, arrays, { source, key: name });
}

/** What a measure gets; each question that the server was not asked is an error, and each answer is given once. */
function contextOf(name, { result = open(name), answers = pictures[name]?.answers ?? [], ...more } = {}) {
  const state = { ...initial(result.stages, result.input), y: held[0], x: held[1] };
  const asked = [];
  async function run(question, body = {}) {
    const found = answers.find((each) => each.name === question && same(each.body, body));
    assert.ok(found, `${question} ${JSON.stringify(body)}`);
    asked.push(question + JSON.stringify(body));
    assert.equal(new Set(asked).size, asked.length, "asked twice");
    return found.answer;
  }
  return {
    ...{ result, state, run, asked, page: { state: { tab: "explore", view: {} } } },
    preset: async (wanted) => about.presets.find((each) => each.name === wanted) ?? null,
    describe: async (stages) => described[about.presets.find((each) => each.stages === stages).name],
    ablations: async () => TABLE,
    variant: async () => open("white"),
    ...more,
  };
}
const same = (one, other) =>
  Object.keys(one).length === Object.keys(other).length && Object.keys(one).every((each) => equal(one, other, each));
const equal = (one, other, each) => JSON.stringify(one[each]) === JSON.stringify(other[each]);

/** No sentence of 20 words or more, and each ends as one; its terms are known. */
function plain(marked) {
  for (const [, term] of marked.matchAll(/\[[^|\]]*\|(\w+)\]/g)) assert.ok(term in TERMS, term);
  const text = withoutTerms(marked);
  assert.match(text, /^[A-Z].*\.$/);
  assert.ok(!/[{}[\]|]|undefined|NaN/.test(text), text);
  for (const each of text.split(/[.;:] /)) assert.ok(each.split(/\s/).length < 20, each);
}

/** The truth of a measure that can be asked, with what any must have; one of a choice is among its options. */
async function found(name, parameters, context) {
  const measure = MEASURES[name];
  const { kind } = TABLE_OF_LESSONS[name];
  assert.equal((await measure.possible?.(parameters, context)) ?? null, null, name);
  const truth = await measure.truth(parameters, context);
  plain(truth.sentence);
  if (kind === "choice") {
    const options = await measure.options(parameters, context);
    assert.ok(options.length > 1 && new Set(options.map(({ text }) => text)).size === options.length, name);
    const values = options.map(({ value }) => value);
    for (const each of [truth.value, ...(truth.also ?? [])]) assert.ok(values.includes(each), `${name}: ${each} of ${values}`);
  }
  if (kind === "number") {
    const { least, most, step, unit } = await measure.scale(parameters, context);
    assert.ok(least <= truth.value && truth.value <= most && step > 0, `${name}: ${truth.value}`);
    assert.ok(["px", "percent", "times", "count"].includes(unit));
  }
  if (kind === "cells" && truth.values) {
    const { stage, which, shape } = await measure.grid(parameters, context);
    assert.deepEqual(context.result.stages[stage][which].shape, shape);
    assert.equal(truth.values.length, shape[0] * shape[1]);
  }
  return truth;
}
const why = async (name, parameters, context) => {
  const sentence = await MEASURES[name].possible(parameters, context);
  plain(sentence);
  assert.equal(sentence, withoutTerms(sentence)); // it is said as it is
  return sentence;
};

for (const [name, { cases }] of Object.entries(pictures)) {
  test(`what the measures find is what the model does: ${name}`, async () => {
    const context = contextOf(name);
    for (const { name: measure, parameters, value, values } of cases) {
      const words = `${measure} ${JSON.stringify(parameters)}`;
      const truth = await found(measure, parameters, context);
      if (values) {
        const most = Math.max(...values, 1e-3);
        truth.values.forEach((each, at) => assert.ok(Math.abs(each - values[at]) <= most / 100, `${words}: ${at}`));
      } else if (typeof value === "number")
        assert.ok(Math.abs(truth.value - value) <= 2e-3 * Math.max(1, value), `${words}: ${truth.value}, ${value}`);
      else assert.equal(truth.value, value, words);
    }
    assert.ok(context.asked.length > 5);
  });
}

test("what shows the truth are choices of the explorer that has it", async () => {
  const context = contextOf("photo");
  const { show } = await found("attention", { stage: "last", block: 2, head: 3, token: "cls" }, context);
  assert.deepEqual([show.stage, show.blocks[2], show.heads[2], show.cls, show.layer], [2, 1, 2, true, "attention"]);
  assert.ok(Object.keys(show).every((each) => each in context.state));
  assert.deepEqual([show.blocks.slice(0, 2), show.heads.slice(0, 2)], [context.state.blocks.slice(0, 2), [-1, -1]]);
  assert.equal((await found("evidence", {}, context)).show.layer, "class");
});

test("what moves a token is asked of the token that the open tab shows", async () => {
  const asked = [];
  const run = async (_, { row, column }) => (asked.push([row, column]), { side: 20, theoretical: [9, 9], within: 0.5, pixels: 9, of: 99 });
  const context = { ...contextOf("photo"), run };
  const of = (tab, before) => MEASURES.field.truth({ stage: 3 }, { ...context, page: { state: { tab, view: { before } } } });
  const corner = { result: context.result, state: { ...context.state, y: 0, x: 95 } };
  await of("break", corner);
  await of("explore", corner);
  await of("break", undefined);
  await of("break", { ...corner, result: open("white") });
  assert.deepEqual(asked, [
    [1, 12],
    [6, 9],
  ]); // of another picture's, nothing; and the same is not asked again
});

test("a block that is not in the payload is fetched", async () => {
  const source = { block: async (_, stage, block) => (assert.deepEqual([stage, block], [0, 0]), bytes("block")) };
  const context = contextOf("white", { result: open("apart", source) });
  assert.equal(context.result.block(0, 0), null);
  const parameters = { stage: 1, block: 1, head: 0, token: "held" };
  const [apart, whole] = [await found("attention", parameters, context), await found("attention", parameters, contextOf("white"))];
  apart.values.forEach((each, at) => assert.ok(Math.abs(each - whole.values[at]) < 1e-4));
});

test("a variant is asked what the model says", async () => {
  const [context, white] = [contextOf("photo"), open("white")];
  const [first] = context.result.header.top;
  const label = white.header.top[0].label;
  const known = context.result.header.top.slice(0, 4).some((each) => each.label === label);
  assert.equal((await found("variant-class", { preset: "linear" }, context)).value, known ? label : "else");
  const share = white.header.top.find((each) => each.label === first.label)?.probability;
  const truth = await MEASURES["variant-probability"].truth({ preset: "linear" }, context);
  assert.equal(truth.value, share === undefined ? null : 100 * share);
  assert.equal((await found("variant-class", {}, { ...context, variant: async () => context.result })).value, first.label);
  assert.equal(
    (await found("variant-probability", {}, { ...context, variant: async () => context.result })).value,
    100 * first.probability,
  );
  assert.match(await why("variant-class", { preset: "none-such" }, context), /cannot be changed/);
});

test("trained ablations: clearly better, clearly worse, or neither; and the best of several", async () => {
  const context = contextOf("photo");
  const value = async (name) => (await found("ablation", { member: name }, context)).value;
  assert.deepEqual([await value("no-overlap"), await value("linear"), await value("mean")], ["worse", "none", "better"]);
  const { sentence, source } = await found("ablation", { member: "no-overlap" }, context);
  assert.equal(
    sentence.replaceAll(/[\u00a0\u202f]/g, " "),
    "Patches that do not overlap: 48.8 ± 0.3 % right at 64 pixels, worse than the baseline's 51.4 ± 0.7 %.",
  );
  assert.equal(source, "Each was trained 3 times in the same way, for 30 epochs.");
  const [row] = TABLE.members.filter(({ name }) => name === "mean");
  const { value: share } = await found("ablation-accuracy", { member: "mean", side: 96 }, context);
  assert.ok(Math.abs(share - 100 * row.measures.top1_96.mean) < 1e-9);
  const best = await found("ablation-best", { members: "baseline,linear,no-overlap,mean,kv-stride-1" }, context);
  assert.deepEqual([best.value, best.also], ["mean", ["kv-stride-1"]]); // their intervals overlap
  const close = await found("ablation-best", { members: "baseline,positions" }, context);
  assert.deepEqual([close.value, close.also], ["positions", ["baseline"]]);
  const clear = pairs.map(([, , significant]) => significant);
  assert.ok(clear.includes(true) && clear.includes(false));
  for (const [one, other, significant] of pairs) {
    const { also } = await found("ablation-best", { members: `${one},${other}` }, context);
    assert.equal(also.length === 0, significant, `${one} ${other}`);
  }
  for (const [name, parameters] of [
    ["ablation", { member: "other" }],
    ["ablation", { member: "baseline" }],
    ["ablation-accuracy", { member: "mean", side: 32 }],
    ["ablation-best", { members: "mean,other" }],
  ]) {
    assert.match(await why(name, parameters, context), /does not have/);
    await why(name, parameters, { ...context, ablations: () => Promise.reject(new Error("unreached")) });
  }
});

test("where a model has no such place, part or choice, one sentence says why", async () => {
  const [three, bare, alone] = [contextOf("photo"), contextOf("no-cls"), contextOf("alone")];
  assert.match(await why("distance", { stage: 4 }, three), /has 3 stages: there is no stage 4/);
  assert.match(await why("nearest-head", { stage: 2, block: 3 }, three), /Stage 2 has 2 blocks: there is no block 3/);
  assert.match(await why("nearest-head", { stage: 1, block: 1 }, three), /Stage 1 has one head/);
  assert.match(await why("attention", { stage: 2, block: 1, head: 3, token: "held" }, three), /Stage 2 has 2 heads: there is no head 3/);
  assert.match(await why("attention", { stage: 2, block: 1, head: 0, token: "cls" }, three), /Stage 2 has no cls token/);
  assert.match(await why("attention", { stage: "last", block: "last", head: 0, token: "cls" }, bare), /Stage 3 has no cls token/);
  assert.match(await why("attention", { stage: 1, block: 1, head: 0, token: "held" }, alone), /one cell only/);
  for (const off of ["4.1.mlp", "1.1.head2", "3.4.mlp", "0.1.mlp", "3.0.block", "1.1.wrong", "2.1.mlp,2.1.block", "2.1.mlp3", ""]) {
    assert.notEqual(await MEASURES.probability.possible({ off }, three), null, off);
  }
  assert.match(await why("class", { off: "4.1.mlp" }, three), /no part 4\.1\.mlp/);
  assert.match(await why("class", { right: 97 }, three), /96 pixels/);
  assert.match(await why("class-unchanged", {}, three), /Nothing is changed/);
  assert.match(await why("class", { right: 3 }, alone), /one class only/);
  assert.match(await why("farthest-stage", {}, alone), /one stage/);
  assert.match(await why("most-changed-stage", { right: 3 }, alone), /one stage/);
  assert.match(await why("decided", {}, alone), /Stage 1 has one block/);
  assert.match(await why("cost", { preset: "cvt-99" }, three), /cannot be changed/);
  assert.match(await why("probability-after-block", { stage: 1, block: 1 }, three), /only the embedded model/);
  assert.match(await why("probe-accuracy", { stage: "last", block: 1 }, three), /not by a probe/);
  const blind = open("photo");
  delete blind.arrays.evidence;
  assert.match(await why("evidence", {}, contextOf("photo", { result: blind })), /no place/);
  assert.equal(await MEASURES.evidence.possible({}, bare), null); // every token is a place
  assert.equal((await found("evidence", {}, bare)).values.length, 4);
  assert.equal((await found("keys", { stage: "last" }, bare)).value, 1); // no cls token among them
});

test("a probe's accuracy, and a class that only a probe reads", async () => {
  const points = [
    { stage: 1, block: 1, label: "fog", accuracy: 0.31 },
    { stage: 3, block: 1, label: "class 2", accuracy: null },
    { stage: 3, block: 2, label: "class 1", accuracy: null },
  ];
  const classes = ["class 1", "class 2", "class 3", "class 4", "class 5"].map((label) => ({ label, probabilities: [0.1, 0.2, 0.3] }));
  const answer = {
    points,
    classes,
    decided: { stage: 3, block: 2, before: "class 2" },
    probes: { pictures: 100000, unseen: 10000 },
    reason: null,
  };
  const context = contextOf("photo", { answers: [{ name: "lens", body: {}, answer }] });
  const place = { stage: 1, block: 1 };
  const accuracy = await found("probe-accuracy", place, context);
  assert.equal(accuracy.value, 31);
  assert.match(accuracy.source.replaceAll("\u202f", " "), /100 000 pictures, measured on 10 000/);
  assert.equal((await found("class-after-block", place, context)).value, "fog");
  assert.equal((await MEASURES["class-after-block"].options(place, context)).length, 4);
  assert.equal((await found("probability-after-block", place, context)).value, 10);
});

test("ties are all right, and nothing is asked twice unless it failed", async () => {
  const distance = {
    stages: [
      { heads: [[5]], uniform: 9 },
      { heads: [[7, 7]], uniform: 9 },
      { heads: [[3, 4, 3, 9]], uniform: 9 },
    ],
  };
  const losses = [1, 2].flatMap((logit, at) => [loss("attention", at + 1, logit), loss("mlp", at + 1, 3 - logit)]);
  const answers = [
    { name: "distance", body: {}, answer: distance },
    { name: "importance", body: {}, answer: { losses } },
  ];
  const context = contextOf("photo", { answers });
  const tied = await found("nearest-head", { stage: 3, block: 1 }, context);
  assert.deepEqual([tied.value, tied.also], ["1", ["3"]]);
  assert.equal((await found("nearest-head", { stage: 2, block: 1 }, context)).value, "equally");
  assert.equal((await found("farthest-stage", {}, context)).value, "2");
  const near = (first, last) => {
    const stages = [first, 7, last].map((each) => ({ heads: [[each]], uniform: 9 }));
    return found("farthest-stage", {}, contextOf("photo", { answers: [{ name: "distance", body: {}, answer: { stages } }] }));
  };
  const { value, also } = await near(6.9, 5);
  assert.deepEqual([value, also], ["1", ["2"]]); // within 5 % of the farthest
  assert.equal((await near(6.9, 6.8)).value, "equally");
  const both = await found("branch-that-matters", { stage: 3 }, context);
  assert.deepEqual([both.value, both.also], ["attention", ["mlp"]]);
  let count = 0;
  const fails = { ...contextOf("photo"), run: () => (count++ ? Promise.resolve(distance) : Promise.reject(new Error("unreached"))) };
  await assert.rejects(MEASURES.distance.truth({ stage: 1 }, fails), /unreached/);
  assert.equal((await MEASURES.distance.truth({ stage: 1 }, fails)).value, 5);
});
const loss = (part, block, logit) => ({ stage: 3, block, part, head: null, logit, probability: 0 });

test("the registry has what lessons are read by, and each measure what its ask needs", () => {
  assert.deepEqual(Object.keys(MEASURES).sort(), Object.keys(TABLE_OF_LESSONS).sort());
  const needs = { choice: "options", number: "scale", cells: "grid" };
  for (const [name, { kind }] of Object.entries(TABLE_OF_LESSONS)) {
    const has = Object.keys(needs).filter((each) => MEASURES[name][needs[each]]);
    assert.deepEqual(has, [kind], name);
  }
});
