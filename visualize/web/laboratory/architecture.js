// The laboratory's architecture: one plain object, changed only by the functions here. Stages count from 0.
//
// { stages: [{ field: value }], side, weights ("inherited" | "random"), seed }; `about` is the server's description of the
// baseline: { base: { stages, side }, start (four stages), settings: [{ name, values, … }], sides }.

import { CHOICES } from "../choices.js";

/** Whether two values are equal as JSON. */
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** The baseline itself. */
export function initial({ base }) {
  return {
    stages: base.stages.map((stage) => ({ ...stage })),
    side: base.side,
    weights: CHOICES.weights.default,
    seed: CHOICES.seed.default,
  };
}

const halves = (kernel, stride) => Math.max(0, Math.floor((kernel - stride + 1) / 2));

/** The padding that goes with a conv embedding, as in cvt/architecture/variants.py: the baseline's own if nothing else changed. */
export function paddingOf(stage, own) {
  if (own && same(own.patch_sizes, stage.patch_sizes) && same(own.patch_stride, stage.patch_stride)) return own.patch_padding;
  const both = [stage.patch_sizes, stage.patch_stride].map((each) => (Array.isArray(each) ? each : [each, each]));
  const [rows, columns] = [0, 1].map((axis) => halves(both[0][axis], both[1][axis]));
  return rows === columns ? rows : [rows, columns];
}

/** `state` with one field of one stage changed; the conv embedding's padding follows its kernel and stride. */
export function withValue(state, stage, name, value, { base }) {
  const stages = state.stages.map((each, index) => (index === stage ? { ...each, [name]: value } : each));
  if (name === "patch_sizes" || name === "patch_stride") stages[stage].patch_padding = paddingOf(stages[stage], base.stages[stage]);
  return { ...state, stages };
}

/**
 * `state` with another number of stages. A new stage starts as `about.start` says. If the last stage has the class
 * token, the new last one gets it.
 */
export function withCount(state, count, { start }) {
  const before = state.stages.length;
  const stages = Array.from({ length: count }, (_, index) => ({ ...(state.stages[index] ?? start[index]) }));
  if (state.stages[before - 1].cls_token && count !== before) {
    if (count > before) stages[before - 1].cls_token = false;
    stages[count - 1].cls_token = true;
  }
  return { ...state, stages };
}

/** `state` with the changes that the server offers: [{ stage, name, value }], stage null for the input. */
export function remedied(state, changes, about) {
  const change = (now, { stage, name, value }) => (stage === null ? { ...now, side: value } : withValue(now, stage, name, value, about));
  return changes.reduce(change, state);
}

/** Whether two states are the same architecture at the same input size. */
export const alike = (a, b) => a.side === b.side && same(a.stages, b.stages);

/** Whether a state is exactly the baseline, including its weights. */
export const isBaseline = (state, about) => state.weights === CHOICES.weights.default && alike(state, initial(about));

/** Whether a control differs from the baseline or, in a stage that the baseline lacks, from its initial value. */
export function differs(state, { base, start }, stage, name) {
  return !same((base.stages[stage] ?? start[stage])[name], state.stages[stage][name]);
}

/** The stages of `after` that `before` lacks or has otherwise. */
export const changedStages = (before, after) =>
  after.stages.flatMap((stage, index) => (same(stage, before.stages[index] ?? null) ? [] : [index]));

/** A setting's choices: its values, and the baseline's if not among them, numbers in order. */
export function choices(setting, current) {
  const values = setting.values.some((each) => same(each, current)) ? [...setting.values] : [...setting.values, current];
  return values.every((each) => typeof each === "number") ? values.sort((a, b) => a - b) : values;
}

/** The index of a value among choices. */
export const indexOf = (values, value) => values.findIndex((each) => same(each, value));

/** What the server is asked to run: an architecture with its weights, or a trained ablation. */
export const runQuestion = (target, model) =>
  "member" in target ? { ablation: target.name } : { ...question(target), weights: target.weights, seed: target.seed, model };

/** The query for the server: the architecture, and which control moved last, for a remedy near it. */
export function question(state, moved = null) {
  const { stages, side } = state;
  return moved ? { stages, side, moved } : { stages, side };
}
