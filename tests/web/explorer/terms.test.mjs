// What the drawings of the terms show, against the exact numbers of NumPy (expected.json, "terms") and plain arithmetic here.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { embeddingWindow } from "../../../visualize/web/explorer/cells.js";
import { parse } from "../../../visualize/web/explorer/payload.js";
import { Result } from "../../../visualize/web/explorer/result.js";
import { initial } from "../../../visualize/web/explorer/state.js";
import { scene } from "../../../visualize/web/explorer/term_scenes.js";
import { cellBox, centre, fieldBox } from "../../../visualize/web/shared/geometry.js";
import { percent } from "../../../visualize/web/words/format.js";
import { TERMS } from "../../../visualize/web/words/terms.js";

const folder = process.env.EXPLORER_CASES;
const opened = (name) => {
  const bytes = readFileSync(join(folder, name));
  const { header, arrays } = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return new Result(header, arrays);
};
const { terms: exact } = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8"));
const result = opened("payload.bin");
const plainest = opened("no-cls.bin");
const cell = { row: 1, column: 2 };
const at = (stage, changes = {}, of = result) => ({
  ...initial(of.stages, of.input),
  stage,
  ...centre(of.stages[stage].query, cell),
  ...changes,
});
const near = (found, wanted, tolerance, words) => {
  assert.equal(found.length, wanted.length, words);
  wanted.forEach((each, index) => assert.ok(Math.abs(found[index] - each) <= tolerance, `${words}: ${found[index]} is not ${each}`));
};

test("every term is drawn in every stage, with and without a cls token, whoever asks", () => {
  for (const of of [result, plainest]) {
    for (const stage of of.stages.keys()) {
      for (const changes of [
        {},
        { cls: true },
        { view: "received" },
        { view: "mean", scale: "all" },
        { y: 0, x: 0 },
        { y: 63.9, x: 63.9 },
      ]) {
        for (const term of Object.keys(TERMS)) {
          const { panels, bars, rows, shows } = scene(term, of, at(stage, changes, of));
          assert.equal([panels, bars, rows].filter(Boolean).length, 1, term);
          assert.match(shows, /^\S.*\.$/, term);
          assert.doesNotMatch(shows, /NaN|undefined|Infinity|\{/, term);
        }
      }
    }
  }
});

test("attention, its heads and blocks, and the cls token's are the rows of the weights", () => {
  for (const each of exact) {
    const state = at(each.stage, { cls: each.cls });
    const largest = Math.max(...each.row);
    const maps = (term) => scene(term, result, state).panels.map(({ map }) => Array.from(map.values));
    const first = each.hasCls ? 1 : 0; // the cls token's weight has no place
    near(maps("attention")[0], each.row.slice(first), largest / 255, "attention");
    near(maps("value")[0], each.row.slice(first), largest / 255, "value");
    near(maps("uniform")[1], each.row.slice(first), largest / 255, "uniform, right");
    assert.ok(maps("uniform")[0].every((value) => Math.abs(value - 1 / each.row.length) < 1e-6));
    each.heads.forEach((row, head) => near(maps("head")[head], row.slice(first), Math.max(...row) / 255, `head ${head}`));
    each.blocks.forEach((row, block) => near(maps("block")[block], row.slice(first), Math.max(...row) / 255, `block ${block}`));
    const { bars } = scene("entropy", result, state);
    near(
      bars.values,
      each.row.toSorted((a, b) => b - a),
      largest / 255,
      "entropy",
    );
    assert.equal(bars.line, 1 / each.row.length);
    assert.match(scene("entropy", result, state).shows, new RegExp(`: ${each.entropy.toFixed(1)} bits of at most `));
    assert.match(scene("attention", result, state).shows, each.cls ? /^Where the cls token looks/ : /^Where this token looks/);
    if (each.cls) near(maps("cls_token")[0], each.row.slice(first), largest / 255, "cls token");
  }
});

test("a query is joined to the keys of its largest weights", () => {
  for (const each of exact.filter(({ cls }) => !cls)) {
    const { lines } = scene("query", result, at(each.stage)).panels[0];
    const row = each.row.slice(each.hasCls ? 1 : 0);
    const least = row.toSorted((a, b) => b - a)[Math.min(4, row.length - 1)];
    const { key, query } = result.stages[each.stage];
    assert.equal(lines.length, Math.min(5, row.length));
    for (const { from, to } of lines) {
      assert.deepEqual(from, centre(query, cell));
      const index = row.findIndex((_, at) => {
        const there = centre(key, { row: Math.floor(at / key.shape[1]), column: at % key.shape[1] });
        return there.y === to.y && there.x === to.x;
      });
      assert.ok(row[index] >= least - Math.max(...row) / 255);
    }
  }
});

test("windows lie where the convolution reads", () => {
  // the first embedding reads pixels, so that its window is the receptive field; a later one reads the tokens below
  assert.deepEqual(embeddingWindow(result, 0, cell), fieldBox(result.stages[0].query, cell));
  for (const stage of [0, 1, 2]) {
    const { kernel, stride, padding } = result.stages[stage].embedding;
    const drawn = scene("conv_embedding", result, at(stage));
    const [one, two] = drawn.panels[0].fills;
    const size = stage ? result.stages[stage - 1].query.stride[1] : 1;
    assert.equal(one.width, kernel[1] * size);
    assert.equal(two.left - one.left, stride[1] * size);
    assert.match(drawn.shows, new RegExp(`neighbours share ${kernel[1] - stride[1]} of the ${kernel[1]} columns`));
    const padded = scene("padding", result, at(stage));
    const first = stage ? cellBox(result.stages[stage - 1].query, { row: 0, column: 0 }) : { top: 0, left: 0 };
    assert.equal(padded.panels[0].fills[0].top, first.top - padding[0] * size);
    assert.match(padded.shows, new RegExp(`reaches ${padding[0]} rows? past the edge`));
  }
  const { panels, shows } = scene("conv_projection", result, at(1));
  assert.equal(panels[0].fills[0].height, 3 * result.stages[1].query.stride[0]);
  assert.match(shows, /made of 3×3 tokens/);
  const linear = { ...result.stages[1], projection: { method: "linear", kernel: 3 } };
  const without = Object.assign(Object.create(result), { stages: [result.stages[0], linear, result.stages[2]] });
  assert.deepEqual(scene("conv_projection", without, at(1)).panels[0].fills, []);
});

test("tokens and keys are outlined where they are, and counted", () => {
  const state = at(2);
  const { query, key } = result.stages[2];
  assert.deepEqual(scene("token", result, state).panels[0].outlines.at(-1).box, cellBox(query, cell));
  assert.equal(scene("token", result, state).panels[0].outlines.length, query.shape[0] * query.shape[1] + 1);
  const times = (query.shape[0] * query.shape[1]) / (key.shape[0] * key.shape[1]);
  assert.match(scene("key", result, state).shows, new RegExp(`as large as ${times} tokens`));
  assert.deepEqual(
    scene("stage", result, state).panels.map(({ chosen }) => chosen),
    [false, false, true],
  );
});

test("logits lead by what probabilities say", () => {
  const [first, second] = result.header.top;
  const { rows, shows } = scene("logit", result, at(0));
  assert.deepEqual(
    rows.map(({ words }) => words),
    result.header.top.map(({ probability }) => percent(probability)),
  );
  const lead = Number(shows.match(/by ([\d.]+) logits/)[1]);
  assert.ok(Math.abs(Math.exp(lead) - first.probability / second.probability) < 0.02 * Math.exp(lead));
});

test("without a cls token, and where a block is not loaded, the drawing says so", () => {
  assert.match(scene("cls_token", plainest, at(0, {}, plainest)).shows, /^This model has none/);
  const lost = new Result(result.header, Object.fromEntries(Object.entries(result.arrays).filter(([name]) => !name.startsWith("1."))));
  assert.match(scene("attention", lost, at(1)).shows, /not loaded/);
});
