// Measures of the trained ablations: small models of one family, trained alike, of which each lacks or adds one thing.

import * as words from "../../words/measures.js";
import { compare, measured } from "../../words/trained.js";
import { leaders, PERCENT } from "./common.js";

/** @typedef {import("./common.js").Measure} Measure */

const SIDE = 64; // pixels: those that they were trained with
const BASELINE = "baseline";

/** The table, or null if there is none. */
const tableOf = (context) => context.ablations().catch(() => null);
const memberOf = (table, name) => table.members.find((each) => each.name === name);

/** The table, and the member of a lesson; or why they are not there. */
async function found(name, side, context) {
  const table = await tableOf(context);
  const member = table && memberOf(table, name);
  return member && measured(member, side) ? { table, member } : { absent: words.notTrained() };
}

/** @type {Measure} */
const ablation = {
  kinds: ["choice"],
  async possible({ member: name }, context) {
    const { member, absent } = await found(name, SIDE, context);
    return absent ?? (member.name === BASELINE ? words.notTrained() : null);
  },
  options: () => ["better", "worse", "none"].map((value) => ({ value, text: words.differenceName(value) })),
  async truth({ member: name }, context) {
    const { table, member } = /** @type {any} */ (await found(name, SIDE, context));
    const value = compare(measured(member, SIDE));
    const sentence = words.ablationWords(value, member, memberOf(table, BASELINE), SIDE);
    return { value, sentence, source: words.trainedSource(table, member) };
  },
};

/** @type {Measure} */
const ablationAccuracy = {
  kinds: ["number"],
  possible: async ({ member, side }, context) => (await found(member, side, context)).absent ?? null,
  scale: () => PERCENT,
  async truth({ member: name, side }, context) {
    const { table, member } = /** @type {any} */ (await found(name, side, context));
    const source = words.trainedSource(table, member);
    return { value: 100 * measured(member, side).mean, sentence: words.accuracyWords(member, side), source };
  },
};

// Student's t for 95 %, two-sided, by degrees of freedom from 1 on; the next smaller number of them is on the safe side.
const QUANTILES = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];

/**
 * Whether two members differ clearly: as the table says of the baseline, and else by Welch's t (Biometrika 34, 1947), as there.
 * @param {any} one
 * @param {any} other
 */
function differ(one, other) {
  const [first, second] = [one, other].map((each) => measured(each, SIDE));
  const [compared] = [one, other].filter(({ name }) => name !== BASELINE);
  if ([one, other].some(({ name }) => name === BASELINE)) return measured(compared, SIDE).significant;
  const parts = [first, second].map(({ sd, values }) => ({ variance: (sd * sd) / values.length, freedom: values.length - 1 }));
  const variance = parts[0].variance + parts[1].variance;
  const freedom = variance ** 2 / parts.reduce((sum, each) => sum + each.variance ** 2 / each.freedom, 0);
  const quantile = QUANTILES[Math.min(QUANTILES.length, Math.floor(freedom)) - 1];
  return Math.abs(first.mean - second.mean) > quantile * Math.sqrt(variance);
}

/** @type {Measure} */
const ablationBest = {
  kinds: ["choice"],
  async possible({ members }, context) {
    const table = await tableOf(context);
    return table && members.split(",").every((name) => memberOf(table, name)) ? null : words.notTrained();
  },
  async options({ members }, context) {
    const table = await tableOf(context);
    return members.split(",").map((value) => ({ value, text: memberOf(table, value).title }));
  },
  async truth({ members }, context) {
    const table = await tableOf(context);
    const all = members.split(",").map((name) => memberOf(table, name));
    const means = all.map((each) => measured(each, SIDE).mean);
    const best = all[leaders(means, -1)[0]];
    const close = all.filter((each) => each !== best && !differ(each, best));
    const also = close.map(({ name }) => name);
    return { value: best.name, also, sentence: words.bestWords(best, close, SIDE), source: words.trainedSource(table, best) };
  },
};

export const TRAINED = { ablation, "ablation-accuracy": ablationAccuracy, "ablation-best": ablationBest };
