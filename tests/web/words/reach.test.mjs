import assert from "node:assert/strict";
import { test } from "node:test";

import { distanceWords, fieldWords, headWords, plotWords } from "../../../visualize/web/words/reach.js";

const THIN = "\u202f";
const answer = {
  stages: [
    { heads: [[30.2]], uniform: 50 },
    {
      heads: [
        [40, 12.4],
        [45, 1.2],
      ],
      uniform: 48.6,
    },
  ],
  nearest: { stage: 2, block: 2, head: 2, distance: 1.2 },
  narrowest: { stage: 1, distance: 30.2, uniform: 50 },
};

test("the head that looks nearest, and the stage that lies farthest under uniform", () => {
  assert.equal(
    distanceWords(answer),
    "Head 2 of block 2, stage 2 looks nearest: 1 pixel away on average. Stage 1 is the most local: 30 pixels, where looking everywhere equally gives 50.",
  );
  const alone = { ...answer, nearest: { stage: 1, block: 1, head: 1, distance: 30.2 } };
  assert.match(distanceWords(alone), /^The head of block 1, stage 1 looks nearest: 30 pixels away/);
});

test("two lengths of the same whole pixels are told apart", () => {
  const close = { ...answer, narrowest: { stage: 1, distance: 5.7, uniform: 6.1 } };
  assert.match(distanceWords(close), /Stage 1 is the most local: 5\.7 pixels, where looking everywhere equally gives 6\.1\.$/);
});

test("a stage that hardly lies under uniform looks everywhere alike, as do heads that look farther", () => {
  const alike = "No stage looks nearer than it would by looking everywhere equally.";
  for (const narrowest of [null, { stage: 1, distance: 49.5, uniform: 50 }])
    assert.ok(distanceWords({ ...answer, narrowest }).endsWith(alike));
});

test("heads and the plot for those who do not see them", () => {
  assert.equal(headWords({ stage: 2, block: 1, head: 2 }, 12.4), "Show head 2 of block 1, stage 2: 12 pixels");
  assert.match(plotWords(answer), /^Mean attention distance of 5 heads over 3 blocks\. Head 2/);
});

test("what moves a token, beside what convolutions reach", () => {
  const field = { side: 43, theoretical: [9, 13], within: 0.237, pixels: 1200, of: 9216 };
  assert.equal(
    fieldWords(field, 2),
    `Half of what moves this spot after stage 2 lies within 43×43 pixels around it. Its convolutions alone reach 9×13, where 24${THIN}% of it lies.`,
  );
  const cls = fieldWords({ ...field, side: null, theoretical: null, within: null }, 3);
  assert.match(cls, /^Half of what moves the cls token lies in 1\u202f200 of 9\u202f216 pixels\./);
});
