import assert from "node:assert/strict";
import { test } from "node:test";

import * as words from "../../../visualize/web/words/findings.js";
import { attentionFinding, blocksFinding, evidenceFinding, featureFinding } from "../../../visualize/web/explorer/findings.js";
import { receivedFinding, similarityFinding } from "../../../visualize/web/explorer/findings.js";
import { cellOf } from "../../../visualize/web/shared/geometry.js";
import { plain } from "../../../visualize/web/shared/terms.js";

const THIN = "\u202f";
const near = {
  kind: "near",
  cells: 144,
  half: 23,
  own: null,
  best: 5,
  share: 0.033,
  times: 4.75,
  part: "top",
  distance: 12.4,
  uniform: 40.2,
  direction: "up_right",
};
const said = (finding) => [plain(finding.headline), plain(finding.detail)];
const grid = (rows, columns) => ({ shape: [rows, columns], first: [2, 2], stride: [4, 4], field: [7, 7] });
const MEANS = "Attention says where values come from, not how much they matter.";

test("a token looks near, far, everywhere equally, at the cls token, or at the only cell", () => {
  assert.deepEqual(said(words.looks(near)), [
    "This spot looks near: half of its attention lies in 23 of 144 cells, 12 pixels away on average.",
    `Uniform: 40 pixels. Brightest key, up right: 3.3${THIN}%, 4.8 times its share.`,
  ]);
  const far = { ...near, kind: "far", distance: 33, own: 0.12, times: 1, direction: "here" };
  assert.match(words.looks(far).headline, /^This spot looks far: .* 33 pixels away on average\.$/);
  assert.match(said(words.looks(far))[1], /key, right here: .*, just its share\. The cls token takes 12.%\.$/u);
  assert.match(said(words.looks({ ...far, own: 0.1 }))[1], /cls token takes 10/);
  assert.doesNotMatch(said(words.looks({ ...far, own: 0.099 }))[1], /cls/); // not worth a line
  assert.deepEqual(said(words.looks({ ...near, kind: "alike", times: 1.02 })), [
    "This spot looks everywhere equally: half of its attention takes 23 of 144 cells.",
    "Even the brightest cell takes just its share: nothing here is special.",
  ]);
  assert.match(words.looks({ ...near, kind: "inward", own: 0.6 }).headline, /mostly at the cls token, which takes 60.% of its/u);
  assert.equal(words.looks({ ...near, kind: "single" }).headline, "There is only one cell to look at.");
});

test("one is one, and what is too small for a pixel is below one", () => {
  const of = (distance) => words.looks({ ...near, distance }).headline.match(/cells, (.*) away/)?.[1];
  assert.deepEqual([0, 0.49, 0.5, 1.4, 1.6].map(of), ["under 1 pixel", "under 1 pixel", "1 pixel", "1 pixel", "2 pixels"]);
  const times = (value) => said(words.looks({ ...near, times: value }))[1].match(/%, (.*)\.$/u)?.[1];
  assert.deepEqual([0.96, 1.96, 2.04, 9.96, 1.44].map(times), [
    "just its share",
    "twice its share",
    "twice its share",
    "10 times its share",
    "1.4 times its share",
  ]);
  const some = { kind: "some", tokens: 1, of: 9, share: 0.2, even: 0.1, part: "left", distance: 3, direction: "up" };
  assert.match(words.lookedAt(some, false).headline, /^1 of 9 tokens looks here more than at an average place, from 3 pixels away/);
  assert.match(
    words.lookedAt({ ...some, tokens: 2 }, true).headline,
    /^2 of 9 tokens look at the cls token more than at an average place\.$/,
  );
  assert.match(words.lookedAt({ ...some, kind: "none", tokens: 0 }, false).headline, /^No token looks at this place/);
  const like = { tokens: 1, of: 8, together: 2, distance: 4, least: 0.5 };
  assert.deepEqual(said(words.similar(like, false)), [
    "1 of 8 other tokens is like this one, 4 pixels away on average.",
    "It hangs together with this one. Alike: a cosine of at least 0.5.",
  ]);
  assert.match(words.similar({ ...like, together: 1 }, false).detail, /^It is not beside this one\./);
  assert.match(words.similar({ ...like, tokens: 4, together: 3 }, true).detail, /^2 of them hang .*mean token\.$/);
  assert.match(words.similar({ ...like, tokens: 4, together: 2 }, true).detail, /^1 of them hangs /);
  assert.match(words.similar({ ...like, tokens: 4, together: 5 }, true).detail, /^All of them hang together/);
  assert.equal(words.similar({ ...like, tokens: 0, together: 1 }, false).headline, "No other token is like this one.");
  const evidence = { half: 1, cells: 9, against: 1, places: 2, rest: -1.5, part: "top" };
  assert.deepEqual(said(words.speaks(evidence, "tabby, cat")), [
    "Half of what speaks for tabby lies in 1 of 9 cells, the strongest at the top.",
    "All places together add +2.00 to its score, all else −1.50. 1 cell subtracts.",
  ]);
  assert.match(words.speaks({ ...evidence, against: 3 }, "x").detail, /3 cells subtract\.$/);
  assert.match(words.speaks({ ...evidence, against: 0 }, "x").detail, /No cell subtracts\.$/);
});

test("the cls token keeps what it keeps, and over the blocks", () => {
  const cls = { ...near, kind: "some", own: 0.31, direction: "" };
  assert.match(words.clsLooks(cls).headline, /^The cls token looks most at the top: half of its attention lies in 23 of 144 cells\.$/);
  assert.match(said(words.clsLooks(cls))[1], /The cls token keeps 31.% for itself\./u);
  assert.ok(said(words.clsLooks(cls))[1].endsWith(MEANS));
  assert.match(words.clsLooks({ ...cls, kind: "inward", own: 0.7 }).headline, /mostly at itself: it keeps 70.% of its attention/u);
  const rows = [3, 1.5, 4].map((entropy, block) => ({ block, entropy, own: 0.1 * (block + 1) }));
  assert.deepEqual(blocksFinding(rows, 37), { blocks: 3, closest: 1, first: 0.1, last: rows[2].own });
  assert.equal(
    blocksFinding(
      rows.map((each) => ({ ...each, entropy: 5 + each.own })),
      37,
    ).closest,
    null,
  );
  assert.match(said(words.clsLooks(cls, blocksFinding(rows, 37)))[1], /fewest places in block 2\. It keeps 10.% .*, 30.% in the last/u);
});

test("what a token of a conv embedding is made of", () => {
  const one = { stage: 0, kernel: [7, 7], stride: [4, 4], field: [7, 7] };
  assert.deepEqual(said(words.madeOf(one)), [
    "This token is made of 7×7 pixels; its neighbour shares 3 of the 7 columns.",
    "A stride of 4 leaves one token for every 4×4 pixels.",
  ]);
  const apart = words.madeOf({ stage: 1, kernel: [2, 2], stride: [2, 2], field: [11, 11] });
  assert.match(apart.headline, /2×2 tokens of stage 1; its neighbour shares none of them\.$/);
  assert.match(apart.detail, /^Through all stages before, it starts from 11×11 pixels\./);
  assert.match(said(words.madeOf({ ...one, stride: [1, 1] }))[1], /^A stride of 1 leaves as many as before\.$/);
});

test("the prediction is told once, with a finding that is another", () => {
  const top = [{ label: "lesser panda, red panda", probability: 0.98 }];
  const own = `Most probable: lesser panda, 98${THIN}%.`;
  assert.equal(words.announced(top, 1000, "This spot looks far."), `${own} This spot looks far.`);
  assert.equal(words.announced(top, 1000, words.verdict(top, 1000).headline), own);
});

test("a place that some tokens leave out is not looked at by all alike", () => {
  const kind = (...values) => receivedFinding({ values, grid: grid(1, 4), even: 0.1 }, null, [4, 16]).kind;
  assert.deepEqual(
    [kind(0.1, 0.11, 0.09, 0.1), kind(0.14, 0.14, 0.02, 0.14), kind(0.02, 0.1, 0.02, 0.02), kind(0.1, 0.3, 0.1, 0.1)],
    ["alike", "some", "none", "some"],
  );
});

test("a scale that ends far above a map is said", () => {
  assert.equal(
    words.darkScale(0.004, 1),
    `The scale ends at 100${THIN}%. This map's largest weight is 0.40${THIN}% of that, so it looks dark.`,
  );
  assert.equal(words.darkScale(0.4, 1), "");
  assert.match(words.darkChannel(0.1, 1), /^This channel's largest value is 10.% of the scale's end, so it looks pale\.$/u);
  assert.equal(words.darkChannel(0.4, 1), "");
  assert.equal(words.darkChannel(0, 0), "");
});

test("what has nothing to say says so: one cell, weights on the cls token alone, and maps of zeros", () => {
  const one = grid(1, 1);
  const from = { queries: one, cell: cellOf(one, 0) };
  const map = (values, cells, clsWeight = null) => ({ values: Float32Array.from(values), grid: cells, even: 1 / values.length, clsWeight });
  const flat = grid(2, 2);
  const zeros = new Float32Array(4);
  const all = [
    words.looks(attentionFinding(map([1], one), from, [4, 4])),
    words.clsLooks(attentionFinding(map([0.4], one, 0.6), null, [4, 4])),
    words.meanLooks(attentionFinding(map([1], one), null, [4, 4])),
    words.looks(attentionFinding(map(zeros, flat, 1), { queries: flat, cell: cellOf(flat, 3) }, [8, 8])),
    words.clsLooks(attentionFinding(map(zeros, flat, 1), null, [8, 8])),
    words.meanLooks(attentionFinding(map(zeros, flat, 1), null, [8, 8])),
    words.lookedAt(receivedFinding(map(zeros, flat), { y: 2, x: 2 }, [8, 8]), false),
    words.lookedAt(receivedFinding(map(zeros, flat), null, [8, 8]), true),
    words.strong(featureFinding(zeros, flat, [8, 8]), { channel: 0, stage: 0, width: 8 }),
    words.strong(
      featureFinding(
        zeros.map(() => -2),
        flat,
        [8, 8],
      ),
      { channel: null, stage: 0, width: 8 },
    ),
    words.similar(similarityFinding(zeros, flat, cellOf(flat, 0)), true),
    words.similar(similarityFinding(new Float32Array(1), one, cellOf(one, 0)), false),
    words.speaks(evidenceFinding({ values: zeros, grid: flat, places: 0, rest: 0 }, [8, 8]), "x"),
    words.directions({ stage: 0, explained: [0, 0, 0], shape: "1×1" }),
    words.directions({ stage: 0, explained: [NaN, NaN, NaN], shape: "1×1" }),
  ];
  for (const each of all) {
    for (const text of said(each)) {
      assert.match(text, /^[A-Z].*\.$/);
      assert.doesNotMatch(text, /NaN|Infinity|undefined|null|(^|\D)0 of /, text);
    }
  }
  assert.match(all[8].headline, /^Channel 1 is 0 everywhere/);
  assert.match(all[9].headline, /^The mean of all 8 channels is most negative .*, and all of the picture reaches half of that\.$/);
  assert.match(all[12].headline, /^Nothing on the picture speaks for x\.$/);
  assert.match(all[12].detail, /No cell subtracts\.$/);
  for (const each of all.slice(13)) assert.equal(each.headline, "All places look the same to stage 1.");
});

test("a run says what came of it", () => {
  const [panda, bear] = [
    ["lesser panda, red panda", 0.98],
    ["brown bear", 0.6],
  ].map(([label, probability]) => ({ label, probability }));
  const costs = ["4 × as many keys", "multiply-adds +37 %"];
  assert.equal(
    words.runFinding({ before: panda, after: panda, costs, trained: true }),
    "Still lesser panda, 98\u202f%; 4 × as many keys, multiply-adds +37 %.",
  );
  assert.equal(
    words.runFinding({ before: panda, after: bear, costs: [], trained: true }),
    "Now brown bear, 60\u202f%; before lesser panda, 98\u202f%.",
  );
  assert.match(
    words.runFinding({ before: panda, after: bear, costs: [], trained: false }),
    /^Untrained, so its classes mean nothing: brown bear, 60\u202f%\.$/,
  );
});
