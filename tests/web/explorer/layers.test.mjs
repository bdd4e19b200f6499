import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { CHOICES } from "../../../visualize/web/choices.js";
import { LAYERS } from "../../../visualize/web/explorer/layers.js";
import { parse } from "../../../visualize/web/explorer/payload.js";
import { Result } from "../../../visualize/web/explorer/result.js";
import { initial } from "../../../visualize/web/explorer/state.js";

const bytes = readFileSync(join(process.env.EXPLORER_CASES, "payload.bin"));
const { header, arrays } = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
const result = new Result(header, arrays);
const at = (changes = {}) => ({ ...initial(result.stages, result.input), stage: 2, ...changes });

test("every layer answers every question, of a map on one of the stage's grids or of none", () => {
  for (const [name, layer] of Object.entries(LAYERS)) {
    for (const state of [at(), at({ view: "received" }), at({ view: "mean" }), at({ cls: true }), at({ ancestors: true })]) {
      const map = layer.map(result, state);
      assert.equal(map === null, name === "none");
      if (map) assert.ok([result.stages[2].query, result.stages[2].key].includes(map.grid), name);
      assert.ok([null, "token", "key"].includes(layer.marks(state)));
      assert.match(layer.sentence(result, state), /^[A-Z].*\.$/);
      assert.match(layer.legend(result, state), /^[A-Z].*\.$/);
      assert.equal(typeof layer.who(result, state), "string");
      assert.ok(layer.there(result));
    }
  }
});

test("what is outlined and who is looked at follow from what is asked", () => {
  assert.deepEqual(
    ["token", "received", "mean"].map((view) => LAYERS.attention.marks(at({ view }))),
    ["token", "key", null],
  );
  assert.deepEqual(
    [{}, { view: "mean" }, { cls: true }].map((each) => LAYERS.attention.who(result, at(each))),
    ["", "all tokens", "cls token"],
  );
  assert.match(LAYERS.class.who(result, at({ which: 1 })), new RegExp(`^${header.top[1].label} · here [+−]?\\d`));
});

test("a token's ancestors are described where they are drawn, and only there", () => {
  const legend = (layer, changes) => LAYERS[layer].legend(result, at({ ancestors: true, ...changes }));
  const chained = (layer, changes) => legend(layer, changes).startsWith("The stage 3 token ← ");
  assert.deepEqual(
    ["attention", "features", "none", "class"].map((layer) => chained(layer, {})),
    [true, true, true, false],
  );
  assert.deepEqual(
    [{ view: "mean" }, { view: "received" }, { cls: true }].map((each) => chained("attention", each)),
    [false, false, false],
  );
});

test("where no place reaches the classifier there is no evidence to draw, and a sentence all the same", () => {
  const without = new Result({ ...header, evidence: null }, { ...arrays, evidence: undefined });
  assert.equal(LAYERS.class.there(without), false);
  assert.equal(LAYERS.class.map(without, at()), null);
  assert.equal(LAYERS.class.legend(without, at()), "");
  assert.match(LAYERS.class.sentence(without, at()), /^Classifier: the most probable of 7 classes is /);
});

test("there is a row for every layer that can be chosen", () => {
  assert.deepEqual(Object.keys(LAYERS), Object.keys(CHOICES.layer.values));
});
