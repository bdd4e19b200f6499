// What the measures of lessons say, from their values. Stages, blocks and heads count from 0 here, from 1 in text.

import { placeWords } from "./breaking.js";
import { firstName } from "./explorer.js";
import { capital, grouped, number, percent, sentences, sides } from "./format.js";
import { isLoss, lossWords, partWords } from "./knock.js";
import { inWords } from "./laboratory.js";
import { phrase } from "./phrase.js";
import { cosineWords } from "./position.js";
import { accuracy, measured } from "./trained.js";

// options
export const yes = () => phrase("measure_yes");
export const no = () => phrase("measure_no");
export const somethingElse = () => phrase("measure_else");
export const noneOfThem = () => phrase("measure_none");
export const stageName = (stage) => phrase("measure_stage", { stage: stage + 1 });
export const blockName = (block) => phrase("measure_block", { block: block + 1 });
export const headName = (head) => phrase("measure_head", { head: head + 1 });
const BRANCH = /** @type {const} */ ({ attention: "measure_attention", mlp: "measure_mlp" });
export const branchName = (branch) => phrase(BRANCH[branch]);
const DIFFERENCE = /** @type {const} */ ({ better: "measure_better", worse: "measure_worse", none: "measure_no_difference" });
export const differenceName = (value) => phrase(DIFFERENCE[value]);

// why it cannot be asked; `named` is the lesson's own number, from 1
export const noStage = (named, stages) => phrase("measure_no_stage", { stage: named, stages });
export const noBlock = (named, stage, blocks) => phrase("measure_no_block", { block: named, stage: stage + 1, blocks });
export const noHead = (named, stage, heads) => phrase("measure_no_head", { head: named, stage: stage + 1, heads });
export const oneHead = (stage) => phrase("measure_one_head", { stage: stage + 1 });
export const oneStage = () => phrase("measure_one_stage");
export const oneBlock = (stage) => phrase("measure_one_block", { stage: stage + 1 });
export const oneClass = () => phrase("measure_one_class");
export const oneCell = (stage) => phrase("measure_one_cell", { stage: stage + 1 });
export const noCls = (stage) => phrase("measure_no_cls", { stage: stage + 1 });
export const noEvidence = () => phrase("measure_no_evidence");
export const noPart = (off) => phrase("measure_no_part", { off });
export const tooFar = (most) => phrase("measure_too_far", { most });
export const unchanged = () => phrase("measure_unchanged");
export const noPreset = () => phrase("measure_no_preset");
export const noProjection = () => phrase("measure_no_projection");
export const noProbe = (stage) => phrase("measure_no_probe", { stage: stage + 1 });
export const notTrained = () => phrase("measure_not_trained");

/** Several names: "a, b and c". */
function listed(names) {
  const [last, ...rest] = names.toReversed();
  if (!rest.length) return last;
  const first = rest.toReversed().reduce((one, other) => phrase("measure_comma", { one, other }));
  return phrase("measure_list", { one: first, other: last });
}

/** A length in words: "33 pixels". Under ten pixels it has a decimal place, or two of them would look alike. */
function pixels(value) {
  const shown = value < 9.95 ? value.toFixed(1) : String(Math.round(value));
  return phrase("measure_pixels", { pixels: shown, px: Number(shown) });
}

/** How far a stage looks; `uniform`: what looking everywhere equally would be. */
export const distanceWords = (stage, distance, uniform) =>
  phrase("measure_distance", { stage: stage + 1, length: pixels(distance), uniform: pixels(uniform) });

/** The option that none stands out. */
export const equallyFar = () => phrase("measure_equally");

/** The stage that looks farthest of all; `distances`: of each; `farthest`: the indices of those that look about as far. */
export function farthestWords(distances, farthest) {
  if (farthest.length === distances.length) {
    return phrase("measure_farthest_alike", { lengths: listed(distances.map((each) => pixels(each))) });
  }
  const [best] = farthest;
  const others = distances.flatMap((each, stage) => (stage === best ? [] : [{ stage: stage + 1, length: pixels(each) }]));
  const [first, ...rest] = others;
  const words = [phrase("measure_farthest_first", first), ...rest.map((each) => phrase("measure_farthest_other", each))];
  return phrase("measure_farthest", { stage: best + 1, length: pixels(distances[best]), others: listed(words) });
}

/** The head of a block that looks nearest; `nearest`: the indices of those that tie. */
export function nearestWords(distances, nearest) {
  const [head] = nearest;
  const length = pixels(distances[head]);
  if (nearest.length === distances.length) return phrase("measure_nearest_tie", { length });
  return phrase("measure_nearest", { head: head + 1, length, far: pixels(Math.max(...distances)) });
}

/** How many keys a token of a stage can look at. `cls`: whether the cls token is one of them. */
export function keysWords(stage, keys, shape, queries, cls) {
  const first = phrase(cls ? "measure_keys_cls" : "measure_keys", { stage: stage + 1, keys: grouped(keys), shape: sides(shape) });
  const times = (queries[0] * queries[1]) / (shape[0] * shape[1]);
  const many = times.toFixed(times % 1 > 0.05 ? 1 : 0);
  return sentences(first, times > 1.05 ? phrase("measure_keys_fewer", { times: many }) : phrase("measure_keys_same"));
}

/** How many tokens a query is made of; `side`: of the window. */
export const windowWords = (stage, side) =>
  phrase(side > 1 ? "measure_window" : "measure_window_one", { stage: stage + 1, count: side * side, shape: sides([side, side]) });

/** What a patch shares with its neighbour. */
export function overlapWords(stage, [, columns], shared) {
  const values = { stage: stage + 1, columns, shared, share: percent(shared / columns) };
  return phrase(shared ? "measure_overlap" : "measure_no_overlap", values);
}

/** What an architecture costs, in multiply-adds, against this model. */
export const costWords = (before, after) =>
  phrase("measure_cost", { before: inWords(before), after: inWords(after), times: number(after / before) });

/** How well a stage's features agree after a move. */
export const agreesWords = (stage, cosine) => phrase("measure_agrees", { stage: stage + 1, share: cosineWords(cosine) });
export const incomparable = (stage) => phrase("measure_incomparable", { stage: stage + 1 });
export const noneChanged = () => phrase("measure_none_changed");

/** The stage whose features agree least; `most`: the indices of those that tie. */
export function mostChangedWords(cosines, most) {
  const values = { stage: most[0] + 1, share: cosineWords(cosines[most[0]]) };
  return phrase(most.length === cosines.length ? "measure_changed_equally" : "measure_changed_most", values);
}

/** What a variant says, beside the model. Both: { label, probability } of the most probable class. */
export function variantWords(model, variant) {
  const values = { label: firstName(model.label), before: percent(model.probability), after: percent(variant.probability) };
  if (model.label === variant.label) return phrase("measure_variant_same", values);
  return phrase("measure_variant_other", { ...values, now: firstName(variant.label) });
}

/** How probable the model's class is to the variant. */
export const variantGives = ({ label, probability }, share) =>
  phrase("measure_variant_gives", { label: firstName(label), after: percent(share), before: percent(probability) });
export const variantLacks = (label) => phrase("measure_variant_lacks", { label: firstName(label) });

/** The head of a block without which the class loses most. */
export function headMattersWords({ part, logit }, label) {
  const values = { part: partWords(part), Part: capital(partWords(part)), label: firstName(label), change: lossWords(logit) };
  return phrase(isLoss(logit) ? "measure_head_matters" : "measure_head_none", values);
}

/** Attention or MLP; `sums`: what the class's logit loses in each, `first` the index of the larger one. */
export function branchMattersWords(stage, sums, first) {
  const branch = phrase(first === 0 ? "measure_branch_attention" : "measure_branch_mlp");
  return phrase("measure_branch", { stage: stage + 1, first: branch, more: number(sums[first]), less: number(sums[1 - first]) });
}

// the lens: a point is the server's, which counts from 1
const readBy = (point) => ({ place: placeWords(point), reader: phrase(point.accuracy === null ? "measure_own" : "measure_probe") });

/** How probable the final class is after a block. */
export const afterBlockWords = (point, label, share) =>
  phrase("measure_after_block", { ...readBy(point), label: firstName(label), share: percent(share) });

/** What is read after a block; `share`: null if the answer does not have it. */
export function readWords(point, label, share) {
  const values = { ...readBy(point), label: firstName(label) };
  return share === null ? phrase("measure_read_unknown", values) : phrase("measure_read", { ...values, share: percent(share) });
}

export const probeAccuracyWords = (point) => phrase("measure_probe_right", { place: placeWords(point), share: percent(point.accuracy) });
export const probeSource = ({ pictures, unseen }) =>
  phrase("measure_probe_source", { pictures: grouped(pictures), unseen: grouped(unseen) });

// trained ablations: a member is the table's
const ABLATION = /** @type {const} */ ({
  better: "measure_ablation_better",
  worse: "measure_ablation_worse",
  none: "measure_ablation_none",
});
const ofSide = (member, side) => accuracy(measured(member, side));

/** A member beside the baseline, at an input side in pixels. */
export const ablationWords = (value, member, baseline, side) =>
  phrase(ABLATION[value], { title: member.title, side, own: ofSide(member, side), baseline: ofSide(baseline, side) });

export const accuracyWords = (member, side) => phrase("measure_accuracy", { title: member.title, side, own: ofSide(member, side) });

/** The best of several, and those that are not clearly worse. */
export function bestWords(best, close, side) {
  const first = phrase("measure_best", { side, title: best.title, own: ofSide(best, side) });
  return sentences(first, close.length ? phrase("measure_best_close", { others: listed(close.map(({ title }) => title)) }) : "");
}

/** How the members were trained: the table, and one of them. */
export const trainedSource = ({ epochs }, { seeds }) => phrase("measure_trained", { seeds: seeds.length, epochs });
