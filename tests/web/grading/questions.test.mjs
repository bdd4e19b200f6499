// What the page's scripts ask of a lesson and how they grade an answer, against what programs are told (test_questions.py).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { parse } from "../../../visualize/web/explorer/payload.js";
import { Result } from "../../../visualize/web/explorer/result.js";
import { initial } from "../../../visualize/web/explorer/state.js";
import { grade } from "../../../visualize/web/lesson/grade.js";
import { MEASURES } from "../../../visualize/web/lesson/measures/measures.js";

const folder = process.env.QUESTIONS;
const { models, ablations } = JSON.parse(readFileSync(join(folder, "asked.json"), "utf8"));

function open(name) {
  const content = readFileSync(join(folder, `${name}.bin`));
  const { header, arrays } = parse(content.buffer.slice(content.byteOffset, content.byteOffset + content.byteLength));
  return new Result(header, arrays, { key: name });
}

/** An experiment's question with what it takes by default left out, as programs ask it. */
const short = {
  transform: ({ right, down, padding }) => ({ right, down, padding }),
  knock_out: ({ interventions }) => ({ interventions: interventions.map(({ how, ...rest }) => rest) }),
};
const sorted = (value) =>
  Array.isArray(value)
    ? value.map(sorted)
    : value && typeof value === "object"
      ? Object.fromEntries(
          Object.keys(value)
            .sort()
            .map((key) => [key, sorted(value[key])]),
        )
      : value;
const text = (value) => JSON.stringify(sorted(value));

function contextOf(name, { answers, about, described }) {
  const result = open(name);
  return {
    ...{ result, state: initial(result.stages, result.input), page: { state: { tab: "explore", view: {} } }, signal: null },
    async run(question, body = {}) {
      const asked = short[question]?.(body) ?? body;
      const found = answers.find((each) => each.name === question && text(each.asked) === text(asked));
      assert.ok(found, `${question} ${text(asked)}`);
      return found.answer;
    },
    preset: async (wanted) => about.presets.find((each) => each.name === wanted) ?? null,
    describe: async (stages) => described[about.presets.find((each) => each.stages === stages).name],
    ablations: async () => ablations,
    variant: async (preset) => open(`${name}-${preset}`),
  };
}

/** Within rounding; the weights of cells travel in one byte each. */
const near = (one, other, message, most = 1e-4) =>
  typeof other === "number"
    ? assert.ok(Math.abs(one - other) <= most * Math.max(1, Math.abs(other)), `${message}: ${one} ${other}`)
    : assert.equal(one, other, message);
const CELLS = 0.01;

for (const [name, model] of Object.entries(models)) {
  test(`a program is asked and graded as the page does it: ${name}`, async () => {
    const context = contextOf(name, model);
    for (const { ask, asked, graded } of model.questions) {
      const { name: of, ...parameters } = ask.measure;
      const [measure, says] = [MEASURES[of], `${name}: ${JSON.stringify(ask.measure)}`];
      const impossible = (await measure.possible?.(parameters, context)) ?? null;
      assert.equal(impossible === null, asked.impossible === null, `${says}: ${impossible} ${asked.impossible}`);
      if (impossible !== null) {
        if (!asked.impossible.startsWith("Nothing reads")) assert.equal(asked.impossible, impossible);
        continue;
      }
      const options = measure.options && (await measure.options(parameters, context));
      assert.deepEqual(asked.options, options, says);
      const scale = measure.scale && (await measure.scale(parameters, context));
      assert.deepEqual(asked.scale, scale, says);
      const grid = measure.grid && (await measure.grid(parameters, context));
      if (grid) assert.deepEqual(asked.grid, { stage: grid.stage + 1, of: grid.which === "key" ? "keys" : "queries", shape: grid.shape });
      const truth = await measure.truth(parameters, context);
      for (const { answer, given, grade: expected } of graded) {
        const found = grade(ask, given, truth, scale ?? null);
        assert.equal(expected.right, found.right, `${says} ${answer}`);
        near(expected.score, found.score, `${says} ${answer}`, ask.kind === "cells" ? CELLS : undefined);
        if (typeof found.gap === "number") near(expected.gap, found.gap, says);
        else if (found.gap) for (const part of Object.keys(found.gap)) near(expected.gap[part], found.gap[part], says, CELLS);
        if (ask.kind !== "cells") near(truth.value, expected.truth, says);
        if (ask.kind === "choice") assert.deepEqual(expected.also, truth.also ?? [], says);
      }
    }
  });
}
