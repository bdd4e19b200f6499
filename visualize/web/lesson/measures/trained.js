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
  possible: async ({ member, side }, context) => (await found(member, side, context)).absent ?? null,
  scale: () => PERCENT,
  async truth({ member: name, side }, context) {
    const { table, member } = /** @type {any} */ (await found(name, side, context));
    const source = words.trainedSource(table, member);
    return { value: 100 * measured(member, side).mean, sentence: words.accuracyWords(member, side), source };
  },
};

/** @type {Measure} */
const ablationBest = {
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
    const close = all.filter((each) => each !== best && !best.apart.includes(each.name));
    const also = close.map(({ name }) => name);
    return { value: best.name, also, sentence: words.bestWords(best, close, SIDE), source: words.trainedSource(table, best) };
  },
};

export const TRAINED = { ablation, "ablation-accuracy": ablationAccuracy, "ablation-best": ablationBest };
