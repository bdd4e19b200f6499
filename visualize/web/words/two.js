// The experiment with two pictures in words, from the server's answers.

import { firstName } from "./explorer.js";
import { percent } from "./format.js";
import { cosineWords } from "./position.js";
import { PARTS_OF_PICTURE } from "./findings.js";
import { phrase } from "./phrase.js";

/** In which ninth of an input of [height, width] a point lies: "at the top left". */
export function spotWords(y, x, [height, width]) {
  const third = (at, side) => Math.min(2, Math.max(0, Math.floor((3 * at) / side)));
  const [row, column] = [["top", "", "bottom"][third(y, height)], ["left", "", "right"][third(x, width)]];
  return phrase(PARTS_OF_PICTURE[[row, column].filter(Boolean).join("_") || "centre"]);
}

/** The place most like a spot. `answer`: the server's to "pair"; `stage` from 0. */
export function similarWords(answer, stage, input) {
  const { highest, mean, y, x } = answer.stages[stage];
  const other = firstName(answer.classes[1][0].label);
  const values = { stage: stage + 1, other, part: spotWords(y, x, input) };
  return phrase("two_similar", { ...values, highest: cosineWords(highest), mean: cosineWords(mean) });
}

/** Where the spot would look most. `at`: { y, x } of that key. */
export function attendsWords(answer, at, input) {
  const { weights, times_uniform: times } = answer.attention;
  const values = { other: firstName(answer.classes[1][0].label), part: spotWords(at.y, at.x, input) };
  return phrase("two_attends", { ...values, share: percent(Math.max(...weights.flat())), times: times.toFixed(1) });
}

/** Every stage's highest cosine and that at the same place. */
export function stagesWords({ stages }) {
  const each = (name) =>
    stages.map((found, index) => phrase("two_stage_value", { stage: index + 1, cosine: cosineWords(found[name]) })).join(", ");
  return phrase("two_stages", { stages: each("highest"), same: each("same") });
}

/** "Stage 3, block 2, head 1". */
export const patchPlace = ({ stage, block, head }) =>
  head === null ? phrase("two_place", { stage, block }) : phrase("two_place_head", { stage, block, head });

const DID = /** @type {const} */ ({
  tokens: "patch_tokens",
  block: "patch_block",
  attention: "patch_attention",
  mlp: "patch_mlp",
  head: "patch_head",
});

/**
 * What a patch does. `asked`: { part, stage, block, head, spot } as the server takes it, from 1; `answer`: the server's to "patch".
 */
export function patchFinding(asked, answer) {
  const { labels, before, after, moved, tokens } = answer;
  const first = firstName(labels[0]);
  const of = phrase(asked.spot ? "patch_some" : "patch_all", { tokens });
  const did = phrase(DID[asked.part], { ...asked, of, first });
  const key = after[0].label === before[0].label ? "patch_still" : "patch_becomes";
  const result = phrase(key, { did, label: firstName(after[0].label), share: percent(after[0].probability) });
  if (moved === null) return phrase("patch_one_class", { result });
  return phrase(moved < 0 ? "patch_backwards" : "patch_moved", { result, moved: percent(Math.abs(moved)) });
}

const LITTLE = 0.1; // of the way

/** Which of a sweep's places moves the score furthest. */
export function sweepWords(sweep) {
  const best = sweep.reduce((one, other) => ((other.moved ?? 0) > (one.moved ?? 0) ? other : one));
  if (!((best.moved ?? 0) >= LITTLE)) return phrase("sweep_none");
  return phrase("sweep_most", { place: patchPlace(best), share: percent(best.moved) });
}
