import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { change, inBytes, inWords, sentenceOf, share, valueWords } from "../../../visualize/web/laboratory/words.js";

const read = (name) => JSON.parse(readFileSync(join(process.env.LABORATORY_CASES, name), "utf8"));
const cases = read("words.json");
const said = read("sentences.json");

test("counts and bytes read as the server writes them", () => {
  for (const { count, words, bytes } of cases) {
    assert.equal(inWords(count), words);
    assert.equal(inBytes(count), bytes);
  }
});

test("changes are signed shares, or factors from two on", () => {
  const plain = (text) => text.replaceAll("\u202f", " ");
  assert.equal(change(5, 5), "the same");
  assert.equal(plain(change(62, 100)), "−38 %");
  assert.equal(plain(change(105, 100)), "+5.0 %");
  assert.equal(plain(change(1000400, 1000000)), "+0.04 %");
  assert.equal(plain(change(1e9 + 1, 1e9)), "+< 0.01 %");
  assert.equal(plain(change(240, 100)), "2.4 ×");
  assert.equal(plain(change(160000, 100)), "1,600 ×");
  assert.equal(change(5, 0), "new");
});

test("values read as the server writes them", () => {
  for (const { value, words } of read("values.json")) assert.equal(valueWords(value), words);
  assert.deepEqual([true, "dw_bn", "linear", 4].map(valueWords), ["on", "convolution", "linear", "4"]);
});

test("shares", () => {
  assert.equal(share(41, 100), "41\u202f%");
  assert.equal(share(4, 1000), "0.4\u202f%");
  assert.equal(share(1, 100000), "<\u202f0.1\u202f%");
  assert.equal(share(0, 0), "0\u202f%");
});

test("of what differs, the sentence on the control that moved", () => {
  const start = (label, stage) => sentenceOf(said, label, stage)?.split(":")[0];
  assert.equal(start("Projection kernel", 0), "Projection kernel 3 → 5 in stage 1");
  assert.equal(start("Projection", 2), "Projection convolution → mean in stage 3");
  assert.equal(start("Key and value stride", 1), "Key and value stride 2 → 1 in stage 2");
  assert.equal(start("Key and value stride", 2), "Key and value stride 2 → 3 in stage 3");
  assert.equal(start("Key and value stride", 0), undefined);
  assert.match(start("Depth", 3), /^Stage 4 is new/);
  assert.equal(sentenceOf(["Bias on → off in all stages: …"], "Bias", 1), "Bias on → off in all stages: …");
});
