// The model in Node, against what PyTorch and the page's server found of the same picture (test_model_js.py).

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { parse } from "../../../visualize/web/explorer/payload.js";
import { loaded } from "../../../visualize/web/model/load.js";

const ort = await import(join(process.env.ORT, "ort.wasm.bundle.min.mjs"));
ort.env.wasm.wasmBinary = readFileSync(join(process.env.ORT, "ort-wasm-simd-threaded.wasm"));

const read = (...path) => new Uint8Array(readFileSync(join(process.env.MODEL_CASES, ...path))).buffer;
const json = (...path) => JSON.parse(new TextDecoder().decode(read(...path)));
const jpeg = Uint8Array.of(1, 2, 3);
const codec = {
  open: async (picture) => ({ ...picture, transparent: false, crop: async () => jpeg, whole: async () => jpeg, close: () => {} }),
  rolled: async (picture) => picture,
};

const engines = new Map(); // opened once, which takes longer than most of what they are asked

/** A model's engine, its picture, and a result of it. */
async function opened(name) {
  if (!engines.has(name)) {
    const facts = json(name, "model", "model.json");
    engines.set(name, await loaded({ facts, file: async (file) => read(name, "model", file), ort, codec }));
  }
  const engine = engines.get(name);
  const { rgba } = parse(read(name, "picture.bin")).arrays;
  const picture = { data: rgba, width: rgba.shape[1], height: rgba.shape[0] };
  return { engine, picture, ...(await engine.explore(picture, {})) };
}

const near = (found, expected, most, name) => {
  assert.equal(found.length, expected.length, name);
  const off = found.reduce((worst, each, at) => Math.max(worst, Math.abs(each - expected[at])), 0);
  assert.ok(off <= most, `${name}: ${off} of ${most}`);
};

/** Asserts that two payloads are of one result: quantised values may fall into the next quantum, and others differ by rounding. */
function samePayload(found, expected) {
  const [ours, theirs] = [parse(found), parse(expected)];
  const { top, stages, ...header } = ours.header;
  const { top: wanted, stages: described, ...known } = theirs.header;
  const plain = ({ arrays, peaks, ...others }) => others;
  assert.deepEqual(plain(header), plain(known));
  assert.deepEqual(
    top.map(({ label }) => label),
    wanted.map(({ label }) => label),
  );
  near(
    top.map((each) => each.probability),
    wanted.map((each) => each.probability),
    1e-4,
    "probabilities",
  );
  near(header.peaks.flat(), known.peaks.flat(), 1e-4, "peaks");
  stages.forEach(({ explained, ...stage }, index) => {
    const { explained: shares, ...other } = described[index];
    assert.deepEqual(stage, other);
    near(explained, shares, 1e-4, `explained ${index}`);
  });
  assert.deepEqual(Object.keys(ours.arrays).sort(), Object.keys(theirs.arrays).sort());
  for (const [name, array] of Object.entries(theirs.arrays)) {
    const own = ours.arrays[name];
    if (["crop", "whole"].includes(name)) continue; // the browser's own encoder makes them
    assert.deepEqual(own.shape, array.shape, name);
    const bytes = array instanceof Uint8Array;
    if (name.endsWith("/order")) {
      assert.deepEqual(own.toSorted(), array.toSorted());
      assert.ok(own.filter((each, at) => each === array[at]).length > 0.7 * own.length); // channels that vary alike may change places
      continue;
    }
    const colours = name.endsWith("/pca");
    near(
      own,
      array,
      colours
        ? 3
        : bytes
          ? 1
          : 1e-3 *
            Math.max(
              1,
              array.reduce((most, each) => Math.max(most, Math.abs(each)), 0),
            ),
      name,
    );
    if (bytes) assert.ok(own.reduce((count, each, at) => count + Number(each !== array[at]), 0) <= 0.02 * own.length + 1, `${name}: off`);
  }
  assert.ok(Buffer.from(ours.arrays.pixels).equals(Buffer.from(theirs.arrays.pixels)));
}

/** An answer with the same names and texts, and numbers that differ by less than `most`. */
function alike(found, expected, most, path) {
  if (typeof expected === "number" && typeof found === "number")
    return assert.ok(Math.abs(found - expected) <= most, `${path}: ${found} for ${expected}`);
  if (!expected || typeof expected !== "object") return assert.equal(found, expected, path);
  assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort(), path);
  for (const [name, value] of Object.entries(expected)) alike(found[name], value, most, `${path}.${name}`);
}

for (const name of ["usual", "odd"]) {
  test(`results and answers are the server's: ${name}`, async () => {
    const { engine, key, value } = await opened(name);
    assert.deepEqual(Object.keys(value).sort(), ["key", "model", "note", "notes", "picture", "source"]);
    samePayload(await engine.data(key), read(name, "payload.bin"));
    const [block, inside] = [parse(await engine.block(key, 0, 0)), parse(await engine.inside(key, 2, 1))];
    assert.ok(block.arrays["0.0/norm"]); // the smaller form
    for (const [ours, file] of [
      [block, "block.bin"],
      [inside, "inside.bin"],
    ]) {
      const theirs = parse(read(name, file));
      assert.deepEqual({ ...ours.header, arrays: null }, { ...theirs.header, arrays: null });
      assert.deepEqual(Object.keys(ours.arrays).sort(), Object.keys(theirs.arrays).sort());
      for (const [part, array] of Object.entries(theirs.arrays))
        near(ours.arrays[part], array, array instanceof Uint8Array ? 1 : 1e-4, part);
    }
    const { answers, refused } = json(name, "answers.json");
    for (const [number, { name: asked, body, answer }] of answers.entries()) {
      const steps = [];
      const found = await engine.answer(asked, { key, ...body }, (step) => steps.push(step));
      assert.ok(steps.length && steps.every(({ share }) => share >= 0 && share <= 1));
      if (asked === "knock_out") samePayload(await engine.data(found.value.key), read(name, `changed${number}.bin`));
      if ("value" in found) {
        assert.deepEqual(Object.keys(found.value).sort(), Object.keys(answer.value).sort());
        assert.deepEqual(found.value.changed, answer.value.changed, `${asked} ${JSON.stringify(body)}`);
        delete found.value;
        delete answer.value;
      }
      alike(found, answer, 2e-3, `${asked} ${JSON.stringify(body)}`);
    }
    for (const { name: asked, body, sentence } of refused) {
      await assert.rejects(engine.answer(asked, { key, ...body }), { message: sentence });
    }
    await assert.rejects(engine.answer("lens", { key: "unknown" }), { gone: "key" });
    for (const asked of [
      ["receptive_field", {}],
      ["transform", { turn: 90 }],
      ["transform", { padding: "circular" }],
    ]) {
      assert.equal(await engine.answer(asked[0], { key, ...asked[1] }), undefined);
    }
  });
}

test("work is ended, and results that were dropped are computed again", async () => {
  const { engine, picture, key } = await opened("usual");
  const stop = new AbortController();
  const importance = engine.answer("importance", { key }, () => stop.abort(), stop.signal);
  await assert.rejects(importance, { name: "AbortError" });
  const before = Buffer.from(await engine.data(key));
  const keys = [];
  for (let time = 0; time < 6; time++) keys.push((await engine.explore(picture, {})).key);
  assert.equal(new Set([key, ...keys]).size, 7);
  assert.equal(engine.results.get(key), undefined);
  assert.ok(Buffer.from(await engine.data(key)).equals(before));
  assert.equal(await engine.data("unknown"), null);
});

test("a runtime that computes something else is refused", async () => {
  const facts = json("usual", "model", "model.json");
  const { arrays } = parse(read("usual", "model", "constants.bin"));
  const computing = (more) => {
    const answers = [0, 1].map((number) => arrays[`test/${number}/logits`].map((each, at) => each + (at === 3 ? number * more : 0)));
    const run = async () => ({ logits: { data: answers.shift() } });
    return { env: { wasm: {} }, Tensor: class {}, InferenceSession: { create: async () => ({ run }) } };
  };
  const given = (more) => ({ facts, file: async (name) => read("usual", "model", name), ort: computing(more), codec });
  await loaded(given(0.0009));
  await assert.rejects(loaded(given(0.002)), /computes something else/);
  await assert.rejects(loaded(given(NaN)), /computes something else/);
});
