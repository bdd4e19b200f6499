// What is said of parts that are switched off: the numbers are the answer's.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  bestWords,
  changeWords,
  knockWords,
  logitWords,
  lossWords,
  mostWords,
  scaleWords,
  switchWords,
} from "../../../visualize/web/words/knock.js";

const part = (name, head = null) => ({ stage: 2, block: 6, part: name, head });
const one = (label, probability, logit) => ({ label, probability, logit });
const HEAD = part("head", 1);
const plain = (text) => text.replaceAll("\u202f", " ");

test("what is off is named by its place, counted from one; several are counted", () => {
  assert.equal(changeWords([HEAD], "zero"), "Without head 2 of block 7, stage 3");
  assert.equal(changeWords([part("block")], "mean"), "With the mean of its tokens for block 7 of stage 3");
  assert.equal(changeWords([HEAD, part("mlp")], "examples"), "With the examples' mean for 2 parts");
  const blocks = (name) => [6, 7].map((block) => ({ ...part(name), block }));
  assert.equal(changeWords(blocks("attention"), "zero"), "Without attention in 2 blocks of stage 3");
  assert.equal(changeWords([...blocks("mlp"), part("attention")], "zero"), "Without 3 parts");
  assert.equal(changeWords([part("attention")], "uniform"), "With attention in block 7, stage 3 looking everywhere equally");
});

test("the class stays, or another comes, with both probabilities of the first", () => {
  const before = [one("bison, buffalo", 0.9, 5), one("ox", 0.05, 2)];
  const say = (...after) => plain(knockWords([HEAD], "zero", { label: "bison, buffalo", before, after }));
  assert.equal(say(one("bison, buffalo", 0.8, 4.5)), "Without head 2 of block 7, stage 3, it still says bison: 80 % instead of 90 %.");
  assert.equal(say(one("bison, buffalo", 0.9004, 5)), "Without head 2 of block 7, stage 3, it says the same: bison, 90 %.");
  assert.equal(
    say(one("ox", 0.6, 6), one("bison, buffalo", 0.021, 2)),
    "Without head 2 of block 7, stage 3, it says ox, 60 %. The probability of bison goes from 90 % to 2.1 %.",
  );
  const answer = { label: "bison, buffalo", before, after: [one("ox", 0.6, 6), one("bison, buffalo", 0.021, -1.5)] };
  assert.equal(logitWords(answer), "The [logit|logit] of bison goes from 5.00 to −1.50.");
});

test("the best head, and the guess beside it", () => {
  const [best, other] = [
    { part: HEAD, logit: 0.16 },
    { part: part("head", 0), logit: -0.58 },
  ];
  assert.match(bestWords("bison", best, null), /^Of the heads, head 2 of block 7, stage 3 matters most: .* falls by 0\.16\.$/);
  assert.match(bestWords("bison", best, best), /^You were right: .* falls by 0\.16\.$/);
  assert.match(bestWords("bison", best, other), /falls by 0\.16\. Without your guess, head 1 of block 7, stage 3, it rises by 0\.58\.$/);
  assert.match(bestWords("bison", other, other), /^No head matters alone: the logit of bison/);
  assert.equal(bestWords("bison", null, null), bestWords("bison", other, null));
  assert.match(
    mostWords(9.08, { part: part("mlp"), logit: 10.4 }),
    /the MLP of block 7, stage 3 .* falls by 10\.4, from 9\.08 to −1\.32\.$/,
  );
  assert.match(mostWords(9.08, { part: part("mlp"), logit: -0.2 }), /^No part matters alone: /);
  assert.equal(lossWords(0.004), "does not move");
});

test("a switch says its part, its state and what it costs", () => {
  assert.equal(switchWords(part("mlp"), false, undefined, 0.9), "The MLP of block 7, stage 3: on.");
  assert.equal(
    plain(switchWords(part("query_conv"), true, { logit: -0.2, probability: -0.05 }, 0.9)),
    "The conv projection of q in block 7, stage 3: off. Without it, the logit rises by 0.20 and the probability goes from 90 % to 95 %.",
  );
  assert.deepEqual(scaleWords([0.1, 1, 3]), ["rises", "< 0.1", "0.1–1", "1–3", "≥ 3"]);
});
