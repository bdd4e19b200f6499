import assert from "node:assert/strict";
import { test } from "node:test";

import {
  attentionLegend,
  attentionSentence,
  evidenceLegend,
  evidenceSentence,
  featureSentence,
  firstName,
  nextWords,
  place,
  rowNumbers,
} from "../../../visualize/web/words/explorer.js";

const THIN = "\u202f";
const shown = {
  stage: 1,
  block: 0,
  head: 2,
  heads: 3,
  view: "token",
  cls: false,
  queryShape: [28, 28],
  keyShape: [14, 14],
  cell: { row: 4, column: 8 },
  keyCell: { row: 2, column: 4 },
};

test("the second class is told where it counts, which is from one per cent on", () => {
  const of = (probability) =>
    nextWords([
      { label: "bison, buffalo", probability: 0.9 },
      { label: "ox, bull", probability },
    ]);
  assert.match(of(0.01), /\box\b/);
  assert.match(of(0.01), /\b1\.0\u202f%$/);
  assert.equal(of(0.0099), "");
  assert.equal(nextWords([{ label: "bison", probability: 1 }]), ""); // a model of one class
});

test("what is said of a class's score adds up", () => {
  const grid = { shape: [7, 7] };
  assert.equal(
    evidenceSentence({ stage: 2, depth: 10, cls: true, grid, label: "tabby, tabby cat" }),
    "Score of tabby: what the cls token's attention fetches for it from each of the 7×7 key cells, in all 10 blocks of stage 3.",
  );
  assert.match(evidenceSentence({ stage: 2, depth: 1, cls: true, grid, label: "x" }), /in the block of stage 3\.$/);
  assert.match(evidenceSentence({ stage: 2, depth: 1, cls: false, grid, label: "x" }), /each of the 7×7 tokens of stage 3 adds to it\.$/);
  assert.match(
    evidenceLegend({ high: 1, places: 4.25, rest: -1.5, cls: true }),
    /All places: \+4\.25\. The MLPs and all else: −1\.50\. Together \+2\.75/,
  );
});

test("everything counts from 1 in words", () => {
  assert.equal(place({ row: 0, column: 0 }), "row 1, column 1");
  assert.equal(
    attentionSentence(shown),
    "Stage 2, block 1, head 3: how strongly the token at row 5, column 9 attends to each of the 14×14 key cells.",
  );
});

test("sentences say whose weights are shown", () => {
  assert.match(attentionSentence({ ...shown, head: -1 }), /mean of 3 heads: how strongly the token/);
  assert.match(attentionSentence({ ...shown, head: -1, heads: 1 }), /its only head/);
  assert.match(attentionSentence({ ...shown, cls: true }), /how strongly the cls token attends to each of the 14×14 key cells/);
  assert.match(attentionSentence({ ...shown, view: "mean" }), /all 28×28 tokens, on average, attend to each of the 14×14/);
  assert.match(attentionSentence({ ...shown, view: "received" }), /each of the 28×28 tokens attends to the key cell at row 3, column 5/);
  assert.match(attentionSentence({ ...shown, view: "received", cls: true }), /each of the 28×28 tokens attends to the cls token/);
});

test("feature sentences name the view, the channel and the variance", () => {
  const base = {
    stage: 0,
    channel: 16,
    width: 64,
    cell: { row: 1, column: 2 },
    centred: false,
    explained: [0.3, 0.1, 0.01],
    shape: [56, 56],
  };
  assert.match(featureSentence({ ...base, view: "pca" }), /41.% of the variance/);
  assert.match(featureSentence({ ...base, view: "channel" }), /^Stage 1: channel 17 of 64 at each of the 56×56 tokens/);
  assert.match(featureSentence({ ...base, view: "mean" }), /mean of all 64 channels/);
  assert.match(featureSentence({ ...base, view: "similarity" }), /one at row 2, column 3/);
  assert.match(featureSentence({ ...base, view: "similarity", centred: true }), /after subtracting the mean token/);
});

test("a minimum that a byte cannot say is given as a bound", () => {
  const numbers = rowNumbers({ minimum: 0, maximum: 0.255, entropy: 3.21, uniform: 12.4 }, 49);
  assert.equal(numbers.minimum, `<${THIN}0.10${THIN}%`);
  assert.equal(numbers.uniform, "12 × uniform");
  assert.equal(numbers.cls, null);
  assert.equal(numbers.entropy, "3.2 of 5.6 bits");
});

test("the legend says what is outlined and what is filled", () => {
  const base = { view: "token", cls: false, reduction: 4, field: "15×15" };
  assert.match(attentionLegend(base), /Outlined: the token\. Dashed: the 15×15 pixels.*each as large as 4 tokens/);
  assert.match(attentionLegend({ ...base, reduction: 1 }), /Filled: key cells\.$/);
  assert.match(attentionLegend({ ...base, cls: true }), /no place/);
});

test("a class is called by its first name", () => {
  assert.equal(firstName("lesser panda, red panda, panda"), "lesser panda");
  assert.equal(firstName("class 3"), "class 3");
});
