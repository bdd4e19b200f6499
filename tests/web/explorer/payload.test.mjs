// Reads a payload that Python wrote, and compares what the browser computes from it with what NumPy found.
// test_explorer_js.py writes both and names their folder in EXPLORER_CASES.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { column, meanRow, row, statistics, weight } from "../../../visualize/web/explorer/attention.js";
import { Features, range } from "../../../visualize/web/explorer/features.js";
import { blockOf, parse } from "../../../visualize/web/explorer/payload.js";

const folder = process.env.EXPLORER_CASES;
const skip = folder ? false : "run by pytest, which writes the payload";
const open = (name) => {
  const bytes = readFileSync(join(folder, name));
  return parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};
const close = (found, wanted, tolerance, words = "") => {
  assert.equal(found.length, wanted.length, words);
  wanted.forEach((value, index) =>
    assert.ok(Math.abs(found[index] - value) <= tolerance, `${words} [${index}]: ${found[index]} is not ${value}`),
  );
};
const expected = folder && JSON.parse(readFileSync(join(folder, "expected.json"), "utf8"));

for (const form of ["weights", "query"]) {
  test(`rows, columns and means of attention, from the form with ${form}`, { skip }, () => {
    for (const one of expected.attention) {
      const { arrays } = open(form === "weights" ? "payload.bin" : `block-${one.stage}-${one.block}.bin`);
      const block = blockOf(arrays, one.stage, one.block);
      assert.ok(block[form]);
      const found = row(block, one.head, one.query);
      const largest = Math.max(...one.row);
      close(found, one.row, largest / 255, "row");
      close(column(block, one.head, one.key), one.column, Math.max(...block.peak) / 255, "column");
      close(meanRow(block, one.head), one.mean, Math.max(...block.peak) / 255, "mean");
      assert.ok(Math.abs(weight(block, Math.max(0, one.head), one.query, one.key) - one.weight) <= one.peak / 255);
      const numbers = statistics(found);
      assert.ok(Math.abs(numbers.entropy - one.entropy) < 0.05, `entropy ${numbers.entropy} is not ${one.entropy}`);
      assert.ok(Math.abs(numbers.uniform - largest * one.row.length) < 0.02 * one.row.length);
      assert.ok(Math.abs(numbers.sum - 1) < 0.02);
    }
  });
}

test("a block that did not travel is null", { skip }, () => {
  assert.equal(blockOf(open("payload.bin").arrays, 9, 0), null);
});

test("features, orders, similarity and histograms", { skip }, () => {
  const { arrays } = open("payload.bin");
  for (const one of expected.features) {
    const features = new Features(arrays, one.stage);
    assert.deepEqual([features.channels, features.rows, features.columns], one.shape);
    const [low, high] = range(one.values);
    close(features.channel(one.channel), one.values, (high - low) / 509 + 1e-6, "channel");
    assert.ok(Math.abs(features.at(one.channel, one.token) - one.values[one.token]) <= (high - low) / 509 + 1e-6);
    close(features.similarity(one.token, false), one.similarity, 0.02, "cosine");
    close(features.similarity(one.token, true), one.centred, 0.03, "centred cosine");
    assert.equal(
      features.histogram(one.channel).reduce((sum, count) => sum + count, 0),
      features.tokens,
    );
    assert.deepEqual(features.order("variance").slice(0, 4), one.order.slice(0, 4));
    assert.equal(features.order("peak")[0], one.peak);
    const contrast = one.contrast.map((_, channel) => features.contrast(channel, one.region));
    close(contrast, one.contrast, 0.03, "contrast");
    const [first] = features.order("region", 0, one.region);
    assert.equal(contrast[first], Math.max(...contrast));
    assert.equal(
      features.contrast(
        0,
        one.region.map(() => true),
      ),
      0,
    ); // nothing outside to compare with
    const here = features.order("here", one.token).map((channel) => features.at(channel, one.token));
    assert.ok(here.every((value, index) => index === 0 || value <= here[index - 1]));
  }
});

test("what is cut off or unknown is refused with a sentence", () => {
  assert.throws(() => parse(new ArrayBuffer(2)), /cut off/);
  const short = new Uint8Array([200, 0, 0, 0, 123]).buffer;
  assert.throws(() => parse(short), /cut off/);
  const text = new TextEncoder().encode('{"arrays":[{"name":"a","dtype":"float64","shape":[1],"offset":0}]}');
  const bytes = new Uint8Array(4 + text.length + 8);
  bytes.set([text.length, 0, 0, 0]);
  bytes.set(text, 4);
  assert.throws(() => parse(bytes.buffer), /unknown kind/);
});
