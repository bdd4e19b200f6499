import assert from "node:assert/strict";
import { test } from "node:test";

import { initial } from "../../../visualize/web/breaking/position/settings.js";
import { borderWords, cosineWords, didWords, positionDetail, positionFinding, shiftWords } from "../../../visualize/web/words/position.js";
import {
  attendsWords,
  spotWords,
  patchFinding,
  patchPlace,
  similarWords,
  stagesWords,
  sweepWords,
} from "../../../visualize/web/words/two.js";

const THIN = "\u202f";
const INPUT = [96, 96];
const did = (changes) => didWords({ ...initial(INPUT), ...changes }, INPUT);
const stage = (cosine, border = cosine, inside = cosine, exact = true) => ({ cosine, border, inside, exact, compared: 1 });
const answer = (agreement, more = {}) => ({
  label: "lesser panda, red panda",
  stays: true,
  after: [{ label: "lesser panda, red panda", probability: 0.968 }],
  agreement,
  padding_before: "zeros",
  is_aligned: true,
  ...more,
});

test("what was done is said in the order in which it was", () => {
  assert.equal(did({}), "");
  assert.equal(did({ right: 1 }), "moved 1 pixel right");
  assert.equal(did({ right: -16, down: 8 }), "moved 16 pixels left and 8 pixels down");
  assert.equal(
    did({ height: 96, width: 48, turn: -90, flip: "vertical", down: -2, patch: 16, padding: "circular" }),
    "at 96×48 pixels, turned right by 90°, mirrored top to bottom, moved 2 pixels up, shuffled in 18 patches, with circular padding",
  );
  assert.equal(
    did({ turn: 15, flip: "horizontal", padding: "reflect" }),
    "turned left by 15°, mirrored left to right, with reflect padding",
  );
});

test("the finding has the class and the last stage's agreement, and only equal features are the same", () => {
  const shift = did({ right: 16 });
  const found = positionFinding(shift, answer([stage(0.9578), stage(0.9357), stage(0.917)]));
  assert.equal(found, `Moved 16 pixels right: still lesser panda, 97${THIN}%. Stage 3’s features agree to 0.92 once that is undone.`);
  const other = answer([stage(0.068), stage(0.4676), stage(0.5376)], {
    stays: false,
    after: [{ label: "guinea pig, Cavia cobaya", probability: 0.895 }],
  });
  assert.equal(
    positionFinding(did({ turn: 180 }), other),
    `Turned left by 180°: guinea pig, 90${THIN}%, instead of lesser panda. Stage 3’s features agree to 0.54 once that is undone.`,
  );
  const all = [stage(1), stage(0.999995)];
  assert.match(positionFinding(shift, answer(all)), /every stage’s features are the same\.$/);
  assert.match(positionFinding(shift, answer([stage(1), stage(0.9998)])), /agree to 0\.99 /);
  assert.match(positionFinding(shift, answer([stage(1), stage(1, 1, 1, false)])), /agree to 1\.00 /);
  assert.equal(positionFinding(shift, answer([stage(1), stage(null)])), `Moved 16 pixels right: still lesser panda, 97${THIN}%.`);
});

test("a cosine is 1.00 only where nothing but rounding differs", () => {
  assert.deepEqual([1, 0.99999, 0.9999, 0.994, -0.126].map(cosineWords), ["1.00", "1.00", "0.99", "0.99", "−0.13"]);
});

test("what lies behind it is said where it is so", () => {
  const shift = { ...initial(INPUT), right: 16 };
  const apart = [stage(0.957, 0.8007, 0.9717), stage(0.93)];
  const means = "A cosine of 1 is agreement; 0 is none. It says nothing about the class.";
  assert.equal(
    positionDetail(shift, answer(apart), 16, true),
    `Padding gives position away: in stage 1, tokens at the border agree to 0.80, the others to 0.97. ${means}`,
  );
  const circular = { ...shift, padding: "circular" };
  const same = answer([stage(1), stage(1)], { padding_before: "circular" });
  const both = "Before and after were both run with circular padding, to compare only the move.";
  assert.equal(
    positionDetail(circular, same, 16, true),
    `Circular padding has no border and the grids are aligned: nothing tells a token where it is. ${both} ${means}`,
  );
  const beside = answer([stage(1), stage(0.98)], { padding_before: "circular", is_aligned: false });
  const unaligned = "This is no multiple of 16 pixels, so tokens or keys fall on other places of the picture.";
  assert.equal(positionDetail({ ...circular, right: 8 }, beside, 16, true), `${unaligned} ${both} ${means}`);
  const turned = answer([stage(0.2, 0.1, 0.3, false), stage(0.5)]);
  const between = "Matching places lie between tokens, so features are interpolated there.";
  assert.equal(positionDetail({ ...initial(INPUT), turn: 90 }, turned, 16, true), `${between} ${means}`);
  const padding = answer([stage(0.97, 0.6737, 0.99615)]);
  const only = "Compared with the padding as trained. The border differs most: 0.67, inside 0.99.";
  assert.equal(positionDetail({ ...initial(INPUT), padding: "circular" }, padding, 16, false), `${only} ${means}`);
  assert.equal(borderWords(stage(0.5, null, 0.5)), "");
  assert.equal(borderWords(apart[0]), "0.80 at the border, 0.97 inside");
  assert.deepEqual(
    [0, -16, 5, 32].map((each) => shiftWords(each, 16)),
    ["0 px", "−16 px, aligned", "5 px", "32 px, aligned"],
  );
  assert.equal(shiftWords(16, null), "16 px");
});

test("one spot across two pictures", () => {
  const pair = {
    classes: [[{ label: "lesser panda" }], [{ label: "bison, American bison" }]],
    stages: [
      { highest: 0.629, same: 0.2069, mean: -0.016, y: 22.5, x: 52.5 },
      { highest: 0.468, same: 0.3, mean: 0.269, y: 90, x: 88.5 },
    ],
    attention: {
      weights: [
        [0.1, 0.05],
        [0.02, 0.4],
      ],
      times_uniform: 2.0832,
    },
  };
  assert.equal(
    similarWords(pair, 0, INPUT),
    "In stage 1, the place in the bison most like this spot lies at the top: cosine 0.63, on average −0.02.",
  );
  assert.match(similarWords(pair, 1, INPUT), /lies at the bottom right: cosine 0\.47, on average 0\.27\.$/);
  assert.equal(
    attendsWords(pair, { y: 50, x: 5 }, INPUT),
    `With the bison’s keys, this spot would look most on the left: 40${THIN}%, 2.1 times its share.`,
  );
  assert.equal(stagesWords(pair), "Most alike by stage: 1: 0.63, 2: 0.47. At the same place: 1: 0.21, 2: 0.30.");
  assert.equal(spotWords(48, 48, INPUT), "in the middle");
});

test("a patch in words", () => {
  const of = (label, probability) => ({ label, probability });
  const labels = ["lesser panda, red panda", "bison, American bison"];
  const still = {
    labels,
    tokens: 1,
    moved: 0.031,
    before: [of("bison, American bison", 0.81)],
    after: [of("bison, American bison", 0.76)],
  };
  const asked = { part: "tokens", stage: 2, block: 1, head: 1, spot: true };
  assert.equal(
    patchFinding(asked, still),
    `With 1 token of the lesser panda after block 1 of stage 2, the second picture is still bison, 76${THIN}%. Its score goes 3.1${THIN}% of the way.`,
  );
  const becomes = { ...still, tokens: 145, moved: 0.85, after: [of("lesser panda, red panda", 0.93)] };
  assert.equal(
    patchFinding({ ...asked, part: "head", head: 3, spot: false }, becomes),
    `With head 3 of block 1, stage 2, for all 145 tokens, taken from the lesser panda, the second picture becomes lesser panda, 93${THIN}%. ` +
      `Its score goes 85${THIN}% of the way.`,
  );
  assert.match(patchFinding({ ...asked, part: "mlp" }, { ...still, moved: -0.05 }), /moves away, by 5\.0\u202f% of the way\.$/);
  assert.match(patchFinding({ ...asked, part: "block" }, { ...still, moved: null }), /Both pictures have this class\.$/);
  const sweep = [
    { stage: 1, block: 1, head: null, moved: 0.95 },
    { stage: 3, block: 4, head: null, moved: 0.44 },
  ];
  assert.equal(sweepWords(sweep), `Stage 1, block 1 alone goes furthest: 95${THIN}% of the way.`);
  assert.match(sweepWords([{ ...sweep[0], moved: 0.09 }]), /None of them/);
  assert.equal(patchPlace({ stage: 3, block: 4, head: 2 }), "Stage 3, block 4, head 2");
});
