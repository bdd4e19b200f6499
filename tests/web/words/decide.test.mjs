import assert from "node:assert/strict";
import { test } from "node:test";

import { alignWords, chartWords, decidedWords, guessWords, probeWords, readerWords } from "../../../visualize/web/words/decide.js";

const THIN = "\u202f";
const place = (stage, block) => ({ stage, block });
const places = [place(1, 1), place(2, 1), place(3, 1), place(3, 2), place(3, 3)];
/** An answer of the server: the shares of "lesser panda" after two probes and three blocks, and the block where it is decided. */
const answer = (shares, block, before) => ({
  points: places.map((each, index) => ({ ...each, label: "lesser panda, red panda", accuracy: index < 2 ? 0.1 * (index + 1) : null })),
  classes: [
    { label: "lesser panda, red panda", probabilities: shares },
    { label: "brown bear, bruin", probabilities: shares.map((each) => 1 - each) },
  ],
  decided: { ...place(3, block), before },
  probes: { pictures: 20000, unseen: 5000 },
  reason: null,
});

test("from which block on the answer is what it is, and what it was before", () => {
  assert.equal(
    decidedWords(answer([0.9, 0.9, 0.2, 0.6, 0.9], 2, "brown bear, bruin")),
    "From block 2 of stage 3 on the answer is lesser panda; before that it was brown bear.",
  );
  assert.equal(
    decidedWords(answer([0.9, 0.9, 0.3, 0.4, 0.9], 1, null)),
    "The answer is lesser panda from block 1 of stage 3 on, the first that the classifier can read. " +
      "From block 3 on it has more than half of the probability.",
  );
  assert.doesNotMatch(decidedWords(answer([0.9, 0.9, 0.3, 0.4, 0.45], 2, "ox")), /half/);
  assert.doesNotMatch(decidedWords(answer([0.9, 0.9, 0.9, 0.9, 0.9], 1, null)), /half/); // what probes read does not count
});

test("the guess is right, too early or too late", () => {
  const words = [1, 2, 3, 4].map((guess) => guessWords(places, guess, place(3, 2)));
  assert.deepEqual(words, [
    "You guessed stage 2, block 1: 2 blocks too early.",
    "You guessed stage 3, block 1: 1 block too early.",
    "You guessed exactly this block.",
    "You guessed stage 3, block 3: 1 block too late.",
  ]);
});

test("what reads the earlier stages, or why nothing does", () => {
  const found = answer([0, 0, 0, 0, 1], 3, "ox");
  assert.match(probeWords(found), /each was trained on 20\u202f000 pictures .* On 5\u202f000 pictures that they never saw/);
  assert.ok(probeWords(found).includes(`10${THIN}% (stage 1, block 1), 20${THIN}% (stage 2, block 1).`));
  assert.match(probeWords({ ...found, probes: null, reason: "model" }), /only the embedded model/);
  assert.match(probeWords({ ...found, probes: null, reason: "side" }), /another input side/);
  assert.equal(probeWords({ ...found, probes: null }), "");
  assert.equal(readerWords(found.points[0]), `probe, right for 10${THIN}%`);
  assert.equal(readerWords(found.points[4]), "classifier");
  assert.match(alignWords(found), /^Every block of stage 3 .* do not align/);
  assert.match(chartWords(found), /^Probability of 2 classes after every block\. From block 3 of stage 3 on/);
});
