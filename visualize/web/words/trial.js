// The words where explanations are on trial.

import { firstName } from "./explorer.js";
import { capital, number, percent } from "./format.js";
import { phrase } from "./phrase.js";

const NAMES = {
  cls_attention: "trial_cls_attention",
  mean_attention: "trial_mean_attention",
  rollout: "trial_rollout",
  relevance: "trial_relevance",
  legrad: "trial_legrad",
  grad_cam: "trial_grad_cam",
  integrated_gradients: "trial_integrated_gradients",
  occlusion: "trial_occlusion",
  random: "trial_random",
};
const TELLS = {
  cls_attention: "trial_tells_cls_attention",
  mean_attention: "trial_tells_mean_attention",
  rollout: "trial_tells_rollout",
  relevance: "trial_tells_relevance",
  legrad: "trial_tells_legrad",
  grad_cam: "trial_tells_grad_cam",
  grad_cam_last: "trial_tells_grad_cam_last",
  integrated_gradients: "trial_tells_integrated_gradients",
  occlusion: "trial_tells_occlusion",
  random: "trial_tells_random",
};
const LEAST = 0.005; // of a correlation: less would be written as 0.00
const STAGED = ["legrad", "grad_cam"];
const kindOf = (method, cls) => (method === "cls_attention" && !cls ? "mean_attention" : method);

/**
 * "Grad-CAM, stage 2".
 * @param {{ method: string, stage: ?number, cls?: boolean }} row `cls`: whether the last stage has a cls token
 */
export function methodName({ method, stage, cls = true }) {
  const name = phrase(NAMES[kindOf(method, cls)]);
  return STAGED.includes(method) && stage ? phrase("trial_of_stage", { name, stage }) : name;
}

/** The same within a sentence: "rollout", "Grad-CAM, stage 2". */
function inSentence(row) {
  const name = phrase(NAMES[kindOf(row.method, row.cls ?? true)]);
  return STAGED.includes(row.method) ? name : name[0].toLowerCase() + name.slice(1);
}

const listed = (rows) => {
  const names = rows.map(inSentence);
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${names[names.length - 1]}` : names[0];
};

/**
 * What a method can and cannot tell.
 * @param {{ method: string, stage: ?number }} row
 * @param {{ cls: boolean, last: number }} of whether the last stage has a cls token, and its number
 */
export function tellsWords({ method, stage }, { cls, last }) {
  const before = method === "grad_cam" && cls && stage === last;
  return phrase(TELLS[before ? "grad_cam_last" : kindOf(method, cls)]);
}

/** Whether a map beats random ones on this picture; empty before that is known. */
export function cardWords({ flat, beats }) {
  if (flat) return phrase("trial_flat");
  return beats === null ? "" : phrase(beats ? "trial_beats_random" : "trial_fails_random");
}

/** A measure in a table: a probability's mean in per cent, or a correlation. */
export function measureWords(value, share) {
  if (value === null) return phrase("trial_unknown");
  return share ? percent(value) : number(Math.abs(value) < LEAST ? 0 : value);
}

/** "0.34 ± 0.12". */
export function spreadWords(spread, share) {
  if (!spread) return phrase("trial_unknown");
  return `${measureWords(spread.mean, share)} ± ${measureWords(spread.deviation, share)}`;
}

export function beatsWords(random, beats) {
  return random || beats === null ? phrase("trial_unknown") : phrase(beats ? "trial_yes" : "trial_no");
}

/** What a row's curves say at their middle. */
export function curveWords(row, label) {
  const half = (values) => (values[Math.floor((values.length - 1) / 2)] + values[Math.ceil((values.length - 1) / 2)]) / 2;
  const shares = { deleted: percent(half(row.deletion)), inserted: percent(half(row.insertion)) };
  return phrase("trial_curve", { name: methodName(row), label: firstName(label), ...shares });
}

/**
 * What a trial on one picture finds, and where the chosen method stands.
 * @param {{ count: number, beating: any[], failing: any[], steady: any[] }} judgement see values.js
 * @param {?string} pick a method
 */
export function trialWords({ count, beating, failing, steady }, pick) {
  const parts = [];
  if (!beating.length) parts.push(phrase("trial_none"));
  else {
    const values = { count, beating: beating.length, best: inSentence(beating[0]) };
    parts.push(failing.length ? phrase("trial_some", { ...values, failing: listed(failing) }) : phrase("trial_all", values));
  }
  if (steady.length) parts.push(phrase("trial_steady", { methods: capital(listed(steady)), count: steady.length }));
  const order = [...beating, ...failing].sort((one, two) => two.gap - one.gap);
  const place = order.findIndex(({ method }) => method === pick) + 1;
  if (place) parts.push(phrase("trial_pick", { name: inSentence(order[place - 1]), place, count }));
  return parts.join(" ");
}

/** What trials over several pictures find. */
export function examplesWords({ pictures, rows }) {
  const methods = rows.filter(({ method }) => method !== "random").sort((one, two) => (two.lead?.mean ?? 0) - (one.lead?.mean ?? 0));
  if (methods.every(({ beats }) => beats === null)) return phrase("trial_examples_few", { pictures });
  const beating = methods.filter(({ beats }) => beats);
  const failing = methods.filter(({ beats }) => !beats);
  if (!beating.length) return phrase("trial_examples_none", { pictures });
  const values = { pictures, count: methods.length, beating: beating.length };
  if (!failing.length) return phrase("trial_examples_all", { ...values, best: inSentence(beating[0]) });
  return phrase("trial_examples_some", { ...values, failing: listed(failing) });
}
