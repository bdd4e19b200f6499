// Measures of an architecture: counts and shares that follow from its settings, and costs as the laboratory computes them.

import * as words from "../../words/measures.js";
import { noPlace, PERCENT, placeOf } from "./common.js";

/** @typedef {import("./common.js").Measure} Measure */

const stageOf = (parameters, context) => context.result.stages[placeOf(parameters, context).stage];
const product = ([rows, columns]) => rows * columns;

/** @type {Measure} */
const keys = {
  possible: noPlace,
  scale(parameters, context) {
    const { query, cls } = stageOf(parameters, context);
    return { least: 1, most: product(query.shape) + (cls ? 1 : 0), step: 1, unit: "count" }; // as many as there are tokens
  },
  async truth(parameters, context) {
    const { key, query, cls } = stageOf(parameters, context);
    const value = product(key.shape) + (cls ? 1 : 0);
    return { value, sentence: words.keysWords(placeOf(parameters, context).stage, value, key.shape, query.shape, cls) };
  },
};

const WIDEST = 7; // the laboratory's largest kernel

/** @type {Measure} */
const window = {
  possible: (parameters, context) =>
    noPlace(parameters, context) ?? (stageOf(parameters, context).projection ? null : words.noProjection()),
  scale: () => ({ least: 1, most: WIDEST * WIDEST, step: 1, unit: "count" }),
  async truth(parameters, context) {
    const { method, kernel } = stageOf(parameters, context).projection;
    const side = method === "dw_bn" ? kernel : 1; // "avg" pools keys and values only
    return { value: side * side, sentence: words.windowWords(placeOf(parameters, context).stage, side) };
  },
};

/** @type {Measure} */
const overlap = {
  possible: noPlace,
  scale: () => PERCENT,
  async truth(parameters, context) {
    const { kernel, stride } = stageOf(parameters, context).embedding;
    const shared = Math.max(0, kernel[1] - stride[1]);
    const sentence = words.overlapWords(placeOf(parameters, context).stage, kernel, shared);
    return { value: (100 * shared) / kernel[1], sentence };
  },
};

const MOST = { "cvt-w24": 200 }; // times the model's multiply-adds

/** @type {Measure} */
const cost = {
  possible: async ({ preset }, context) => ((await context.preset(preset)) ? null : words.noPreset()),
  scale: ({ preset }) => ({ least: 0, most: MOST[preset] ?? 10, step: 0.1, unit: "times" }),
  async truth({ preset }, context) {
    const [own, changed] = await Promise.all(["own", preset].map((each) => described(each, context)));
    if (!own.variant || !changed.variant) return { value: null, sentence: own.problem ?? changed.problem };
    const [before, after] = [own.variant.macs, changed.variant.macs];
    return { value: after / before, sentence: words.costWords(before, after) };
  },
};

async function described(name, context) {
  const { stages, side } = await context.preset(name);
  return context.describe(stages, side);
}

export const SHAPES = { keys, window, overlap, cost };
