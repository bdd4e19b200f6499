// What is said of explanations on trial: the numbers and names are the answer's.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  beatsWords,
  cardWords,
  curveWords,
  examplesWords,
  measureWords,
  methodName,
  spreadWords,
  tellsWords,
  trialWords,
} from "../../../visualize/web/words/trial.js";

const plain = (text) => text.replaceAll("\u202f", " ");
const row = (method, gap, stage = null) => ({ method, gap, stage });
const CLS = { cls: true, last: 3 };

test("a method is named with its stage where it explains one", () => {
  assert.equal(methodName(row("grad_cam", 0, 2)), "Grad-CAM, stage 2");
  assert.equal(methodName(row("cls_attention", 0, 3)), "Cls attention");
  const mean = { ...row("cls_attention", 0.5, 3), cls: false };
  assert.equal(methodName(mean), "Mean attention");
  assert.match(trialWords({ count: 1, beating: [mean], failing: [], steady: [] }, null), /best is mean attention\./);
});

test("what a method cannot tell depends on where it looks", () => {
  const last = tellsWords(row("grad_cam", 0, 3), CLS);
  assert.match(last, /before the last block/);
  assert.equal(tellsWords(row("grad_cam", 0, 3), { ...CLS, cls: false }), tellsWords(row("grad_cam", 0, 1), CLS));
  assert.notEqual(last, tellsWords(row("grad_cam", 0, 1), CLS));
  assert.match(tellsWords(row("cls_attention", 0, 3), CLS), /cls token/);
  assert.doesNotMatch(tellsWords(row("cls_attention", 0, 3), { ...CLS, cls: false }), /cls token/);
});

test("a card says whether its map beats random once that is known", () => {
  assert.deepEqual(
    [null, true, false].map((beats) => cardWords({ flat: false, beats })),
    ["", "Beats random", "No better than random"],
  );
  assert.equal(cardWords({ flat: true, beats: false }), "All places are alike");
  assert.deepEqual([beatsWords(true, null), beatsWords(false, true), beatsWords(false, false)], ["–", "yes", "no"]);
});

test("measures are per cent or correlations", () => {
  assert.deepEqual([measureWords(0.345, true), measureWords(-0.345, false)].map(plain), ["35 %", "−0.34"]);
  assert.deepEqual([measureWords(-0.004, false), measureWords(null, true)], ["0", "–"]);
  assert.equal(plain(spreadWords({ mean: 0.34, deviation: 0.12, count: 14 }, true)), "34 % ± 12 %");
  assert.equal(spreadWords(null, true), "–");
});

test("the curves are read at their middle", () => {
  const curves = { ...row("occlusion", 0), deletion: [1, 0.6, 0.2, 0], insertion: [0, 0.2, 0.4, 1] };
  assert.equal(
    plain(curveWords(curves, "bison, buffalo")),
    "Occlusion: without the most marked half, the probability of bison is 40 %; with it alone, 30 %.",
  );
});

const trial = (beating, failing, steady = []) => ({ count: beating.length + failing.length, beating, failing, steady });
const [best, good, bad, worse] = [row("occlusion", 0.6), row("legrad", 0.4, 3), row("rollout", 0.1), row("grad_cam", 0, 3)];

test("a trial names the best, those no better than random, and those that learning does not change", () => {
  assert.equal(trialWords(trial([best, good], []), null), "Here all 2 explanations beat random maps; best is occlusion.");
  assert.equal(
    trialWords(trial([best], [bad, worse], [bad]), null),
    "Here 1 of 3 explanations beats random maps; best is occlusion. Not better than random: rollout and Grad-CAM. " +
      "Rollout looks much the same for a model that has not learnt its last stage.",
  );
  assert.match(trialWords(trial([best, good], [], [good, best]), null), / LeGrad and occlusion look much the same /);
});

test("the choice made before is placed among all by its curves", () => {
  const { gap } = good;
  assert.match(trialWords(trial([best], [{ ...bad, gap: gap + 0.1 }, good]), "legrad"), /Your choice, LeGrad, is number 3 of 3\.$/);
  assert.doesNotMatch(trialWords(trial([best], [bad]), "random"), /Your choice/);
});

test("over pictures a method beats random only where the server says so", () => {
  const over = (...rows) => examplesWords({ pictures: 14, rows: [...rows, { method: "random", lead: null, beats: null }] });
  const of = (method, mean, beats) => ({ method, lead: { mean, deviation: 0.1, count: 14 }, beats });
  assert.equal(
    over(of("rollout", 0.1, true), of("occlusion", 0.4, true)),
    "Over 14 pictures, all 2 explanations beat random maps; occlusion leads by most.",
  );
  assert.equal(
    over(of("rollout", 0.1, false), of("occlusion", 0.4, true)),
    "Over 14 pictures, 1 of 2 explanations beats random maps. Not better: rollout.",
  );
  assert.equal(over(of("rollout", 0.1, false)), "Over 14 pictures, no explanation beats random maps.");
  assert.equal(
    examplesWords({ pictures: 1, rows: [{ method: "rollout", lead: null, beats: null }] }),
    "1 picture is too few to say which explanation beats random maps.",
  );
});
