// Measures of what the model says after a change: parts switched off, the picture moved, another padding, another architecture.

import { interventions, lossesOf, named } from "../../breaking/knock/parts.js";
import { initial, isChanged } from "../../breaking/position/settings.js";
import { serverOnly } from "../../shared/http.js";
import { knockWords } from "../../words/knock.js";
import * as words from "../../words/measures.js";
import { didWords, isSame, positionFinding } from "../../words/position.js";
import {
  answered,
  classOptions,
  leaders,
  noHeadsAt,
  noParts,
  noPlace,
  numbered,
  partsOff,
  PERCENT,
  placeOf,
  winner,
  yesOrNo,
} from "./common.js";

/** @typedef {import("./common.js").Measure} Measure */

const ELSE = "else"; // the option "something else"
const SHOWN = 4; // classes to choose from
const SAME = 1e-5; // of a cosine: more is a difference

const settingsOf = ({ right = 0, down = 0, padding = "zeros" }, { result }) => ({ ...initial(result.input), right, down, padding });

/** Why a lesson's change cannot be made here; null if it can. */
function noChange(parameters, context) {
  if (parameters.off) return noParts(parameters, context);
  return noMove(parameters, context);
}

function noMove(parameters, { result }) {
  const settings = settingsOf(parameters, { result });
  const most = Math.max(...result.input);
  if (Math.max(Math.abs(settings.right), Math.abs(settings.down)) > most) return words.tooFar(most);
  return isChanged(settings, result.input) ? null : words.unchanged();
}

const moved = (parameters, context) => answered(context, "transform", settingsOf(parameters, context));

/** The server's answer after a lesson's change, and what it says in words. */
async function after(parameters, context) {
  if (parameters.off) {
    const off = /** @type {any} */ (partsOff(parameters, context));
    const answer = await answered(context, "knock_out", { interventions: interventions(off, "zero") });
    return { answer, sentence: knockWords(named(off), "zero", answer) };
  }
  const answer = await moved(parameters, context);
  return { answer, sentence: movedWords(parameters, context, answer) };
}

const movedWords = (parameters, context, answer) =>
  positionFinding(didWords(settingsOf(parameters, context), context.result.input), answer);

const probabilityOf = (label, classes) => classes.find((each) => each.label === label)?.probability ?? null;

/** @type {Measure} */
const probability = {
  possible: noChange,
  scale: () => PERCENT,
  async truth(parameters, context) {
    const { answer, sentence } = await after(parameters, context);
    return { value: 100 * /** @type {number} */ (probabilityOf(answer.label, answer.after)), sentence };
  },
};

const labelsOf = ({ result }) => result.header.top.slice(0, SHOWN).map(({ label }) => label);
const noOther = ({ result }) => (result.header.classes > 1 ? null : words.oneClass());

/** The most probable classes before, and "something else" if there are more. */
function likely(context) {
  const labels = labelsOf(context);
  const more = context.result.header.classes > labels.length;
  return [...classOptions(labels), ...(more ? [{ value: ELSE, text: words.somethingElse() }] : [])];
}

const among = (label, context) => (labelsOf(context).includes(label) ? label : ELSE);

/** @type {Measure} */
const classThen = {
  possible: (parameters, context) => noChange(parameters, context) ?? noOther(context),
  options: (_, context) => likely(context),
  async truth(parameters, context) {
    const { answer, sentence } = await after(parameters, context);
    return { value: among(answer.after[0].label, context), sentence };
  },
};

/** @type {Measure} */
const classUnchanged = {
  possible: noChange,
  options: yesOrNo,
  async truth(parameters, context) {
    const { answer, sentence } = await after(parameters, context);
    return { value: answer.after[0].label === answer.label ? "yes" : "no", sentence };
  },
};

/** @type {Measure} */
const similarity = {
  possible: (parameters, context) => noPlace(parameters, context) ?? noMove(parameters, context),
  scale: () => PERCENT,
  async truth(parameters, context) {
    const { stage } = placeOf(parameters, context);
    const { cosine } = (await moved(parameters, context)).agreement[stage];
    if (cosine === null) return { value: null, sentence: words.incomparable(stage) };
    return { value: 100 * cosine, sentence: words.agreesWords(stage, cosine) };
  },
};

/** @type {Measure} */
const mostChangedStage = {
  possible: (parameters, context) => noMove(parameters, context) ?? (context.result.stages.length > 1 ? null : words.oneStage()),
  options: (_, { result }) => [...numbered(result.stages.length, words.stageName), { value: "none", text: words.noneOfThem() }],
  async truth(parameters, context) {
    const cosines = (await moved(parameters, context)).agreement.map(({ cosine }) => cosine);
    const best = leaders(cosines);
    if (!best.length) return { value: null, sentence: words.incomparable(0) };
    if (cosines[best[0]] >= 1 - SAME) return { value: "none", sentence: words.noneChanged() };
    return { ...winner(best), sentence: words.mostChangedWords(cosines, best) };
  },
};

/** @type {Measure} */
const exactlyShifted = {
  possible: noMove,
  options: yesOrNo,
  async truth(parameters, context) {
    const answer = await moved(parameters, context);
    return { value: isSame(answer.agreement) ? "yes" : "no", sentence: movedWords(parameters, context, answer) };
  },
};

const topOf = ({ header }) => header.top.reduce((best, each) => (each.probability > best.probability ? each : best));

/** Why there is no variant; null if there can be. Without a preset it is what the laboratory shows. Throws NeedsServer. */
async function noVariant({ preset }, context) {
  serverOnly(); // which runs it
  return !preset || (await context.preset(preset)) ? null : words.noPreset();
}

/** @type {Measure} */
const variantClass = {
  possible: async (parameters, context) => (await noVariant(parameters, context)) ?? noOther(context),
  options: (_, context) => likely(context),
  async truth({ preset }, context) {
    const found = topOf(await context.variant(preset));
    return { value: among(found.label, context), sentence: words.variantWords(context.result.header.top[0], found) };
  },
};

/** @type {Measure} */
const variantProbability = {
  possible: noVariant,
  scale: () => PERCENT,
  async truth({ preset }, context) {
    const [before] = context.result.header.top;
    const share = probabilityOf(before.label, (await context.variant(preset)).header.top);
    if (share === null) return { value: null, sentence: words.variantLacks(before.label) };
    return { value: 100 * share, sentence: words.variantGives(before, share) };
  },
};

/** What the class's logit loses without each part alone. */
const losses = async (context) => lossesOf(await answered(context, "importance"));

/** @type {Measure} */
const headThatMatters = {
  possible: noHeadsAt,
  options: (parameters, context) => numbered(context.result.stages[placeOf(parameters, context).stage].heads, words.headName),
  async truth(parameters, context) {
    const place = placeOf(parameters, context);
    const own = ({ part }) => part.part === "head" && part.stage === place.stage && part.block === place.block;
    const all = (await losses(context)).filter(own).sort((one, two) => one.part.head - two.part.head);
    const best = leaders(
      all.map(({ logit }) => logit),
      -1,
    );
    return { ...winner(best), sentence: words.headMattersWords(all[best[0]], context.result.header.top[0].label) };
  },
};

const BRANCHES = ["attention", "mlp"];

/** @type {Measure} */
const branchThatMatters = {
  possible: noPlace,
  options: () => BRANCHES.map((value) => ({ value, text: words.branchName(value) })),
  async truth(parameters, context) {
    const { stage } = placeOf(parameters, context);
    const all = (await losses(context)).filter(({ part }) => part.stage === stage);
    const sums = BRANCHES.map((branch) => all.reduce((sum, { part, logit }) => sum + (part.part === branch ? logit : 0), 0));
    const [first, ...ties] = leaders(sums, -1).map((at) => BRANCHES[at]);
    return { value: first, also: ties, sentence: words.branchMattersWords(stage, sums, BRANCHES.indexOf(first)) };
  },
};

export const CHANGES = {
  probability,
  class: classThen,
  "class-unchanged": classUnchanged,
  similarity,
  "most-changed-stage": mostChangedStage,
  "exactly-shifted": exactlyShifted,
  "variant-class": variantClass,
  "variant-probability": variantProbability,
  "head-that-matters": headThatMatters,
  "branch-that-matters": branchThatMatters,
};
