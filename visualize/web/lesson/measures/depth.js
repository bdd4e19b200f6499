// Measures of the class after every block, as the lens reads it. Stages before the last are read by probes, if the model has them.

import { decidedWords, probeWords } from "../../words/decide.js";
import * as words from "../../words/measures.js";
import { answered, classOptions, noPlace, numbered, PERCENT, placeOf } from "./common.js";

/** @typedef {import("./common.js").Measure} Measure */

const lens = (context) => answered(context, "lens");
const MOST = 4; // classes to choose from

/** The index of a place among the lens's points; −1 if nothing reads there. */
function pointOf(answer, { stage, block }) {
  return answer.points.findIndex((each) => each.stage === stage + 1 && each.block === block + 1);
}

/** Why the class after a block cannot be read; null if it can. */
async function unread(parameters, context) {
  const absent = noPlace(parameters, context);
  if (absent) return absent;
  const answer = await lens(context);
  return pointOf(answer, placeOf(parameters, context)) < 0 ? probeWords(answer) : null;
}

/** @type {Measure} */
const probabilityAfterBlock = {
  possible: unread,
  scale: () => PERCENT,
  async truth(parameters, context) {
    const answer = await lens(context);
    const at = pointOf(answer, placeOf(parameters, context));
    const { label } = answer.points[answer.points.length - 1];
    const share = answer.classes.find((each) => each.label === label).probabilities[at];
    return { value: 100 * share, sentence: words.afterBlockWords(answer.points[at], label, share) };
  },
};

/** @type {Measure} */
const classAfterBlock = {
  async possible(parameters, context) {
    const absent = await unread(parameters, context);
    return absent ?? (context.result.header.classes > 1 ? null : words.oneClass());
  },
  async options(parameters, context) {
    const { points, classes } = await lens(context);
    const { label } = points[pointOf({ points }, placeOf(parameters, context))];
    const labels = [...new Set([label, ...classes.map((each) => each.label)])].slice(0, MOST);
    return classOptions(labels.sort()); // by name: their order must not tell
  },
  async truth(parameters, context) {
    const answer = await lens(context);
    const at = pointOf(answer, placeOf(parameters, context));
    const { label } = answer.points[at];
    const share = answer.classes.find((each) => each.label === label)?.probabilities[at] ?? null;
    return { value: label, sentence: words.readWords(answer.points[at], label, share) };
  },
};

/** @type {Measure} */
const decided = {
  possible: (_, { result }) => (result.last.depth > 1 ? null : words.oneBlock(result.stages.length - 1)),
  options: (_, { result }) => numbered(result.last.depth, words.blockName),
  async truth(_, context) {
    const answer = await lens(context);
    return { value: String(answer.decided.block), sentence: decidedWords(answer) };
  },
};

/** @type {Measure} */
const probeAccuracy = {
  async possible(parameters, context) {
    const absent = await unread(parameters, context);
    if (absent) return absent;
    const answer = await lens(context);
    const place = placeOf(parameters, context);
    return answer.points[pointOf(answer, place)].accuracy === null ? words.noProbe(place.stage) : null;
  },
  scale: () => PERCENT,
  async truth(parameters, context) {
    const answer = await lens(context);
    const point = answer.points[pointOf(answer, placeOf(parameters, context))];
    const source = words.probeSource(answer.probes);
    return { value: 100 * point.accuracy, sentence: words.probeAccuracyWords(point), source };
  },
};

export const DEPTH = {
  "probability-after-block": probabilityAfterBlock,
  "class-after-block": classAfterBlock,
  decided,
  "probe-accuracy": probeAccuracy,
};
