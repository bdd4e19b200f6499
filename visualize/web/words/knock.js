// The words where parts of the model are switched off. Stages, blocks and heads count from 1 in text, and only there.

import { firstName } from "./explorer.js";
import { capital, number, percent } from "./format.js";
import { phrase } from "./phrase.js";

const PARTS = {
  block: "knock_part_block",
  head: "knock_part_head",
  attention: "knock_part_attention",
  mlp: "knock_part_mlp",
  query_conv: "knock_part_query_conv",
  key_conv: "knock_part_key_conv",
  value_conv: "knock_part_value_conv",
  attention_residual: "knock_part_attention_residual",
  mlp_residual: "knock_part_mlp_residual",
};
const WITH = { zero: "knock_with_zero", mean: "knock_with_mean", examples: "knock_with_examples", uniform: "knock_with_uniform" };
const LEAST = 0.005; // of a logit: less is shown as 0.00

/** "head 2 of block 3, stage 3". */
export const partWords = ({ part, stage, block, head }) =>
  phrase(PARTS[part], { stage: stage + 1, block: block + 1, head: head === null ? "" : head + 1 });

/** Several parts: "attention in 8 blocks of stage 3" if they are such, else their number. */
function partsWords(parts) {
  const [{ part, stage }] = parts;
  const branch = { attention: "knock_parts_attention", mlp: "knock_parts_mlp", block: "knock_parts_block" }[part];
  const one = branch && parts.every((each) => each.part === part && each.stage === stage);
  return phrase(one ? branch : "knock_parts", { count: parts.length, stage: stage + 1 });
}

/** What is changed: "Without head 2 of block 3, stage 3", "3 parts without …". `parts`: those that are off. */
export function changeWords(parts, how) {
  const words = parts.length === 1 ? partWords(parts[0]) : partsWords(parts);
  return phrase(WITH[how], { parts: words });
}

/**
 * What the model says now.
 * @param {any[]} parts those that are off
 * @param {string} how
 * @param {{ label: string, before: any[], after: any[] }} answer the server's: classes with `label`, `probability` and `logit`
 */
export function knockWords(parts, how, { label, before, after }) {
  const of = (classes) => classes.find((each) => each.label === label);
  const shares = { before: percent(of(before).probability), after: percent(of(after).probability) };
  const values = { change: changeWords(parts, how), label: firstName(label), ...shares };
  const [now] = after;
  if (now.label !== label) return phrase("knock_other", { ...values, now: firstName(now.label), share: percent(now.probability) });
  return phrase(shares.before === shares.after ? "knock_unmoved" : "knock_still", values);
}

/** How the logit of the class before moves. */
export function logitWords({ label, before, after }) {
  const of = (classes) => number(classes.find((each) => each.label === label).logit);
  return phrase("knock_logit", { label: firstName(label), before: of(before), after: of(after) });
}

/** Whether a logit falls by more than is shown as 0.00. */
export const isLoss = (loss) => loss >= LEAST;

/** "falls by 0.16". */
export function lossWords(loss) {
  if (Math.abs(loss) < LEAST) return phrase("knock_stays");
  return phrase(loss > 0 ? "knock_falls" : "knock_rises", { loss: number(Math.abs(loss)) });
}

/**
 * Which head matters most, and whether the guess was right.
 * @param {string} label
 * @param {?{ part: any, logit: number }} best the head with the largest loss
 * @param {?{ part: any, logit: number }} guess what the person picked
 */
export function bestWords(label, best, guess) {
  if (!best || !isLoss(best.logit)) return phrase("knock_best_none", { label: firstName(label) });
  const values = { part: partWords(best.part), label: firstName(label), loss: number(best.logit) };
  if (!guess) return phrase("knock_best", values);
  if (guess.part === best.part) return phrase("knock_best_right", values);
  return phrase("knock_best_wrong", { ...values, guess: partWords(guess.part), change: lossWords(guess.logit) });
}

/** Which of all parts matters most, if any does. */
export function mostWords(logit, { part, logit: loss }) {
  if (!isLoss(loss)) return phrase("knock_most_none");
  return phrase("knock_most", { part: partWords(part), loss: number(loss), before: number(logit), after: number(logit - loss) });
}

/** What a switch says of its part: on or off, and if it was measured, what it costs. */
export function switchWords(part, off, loss, probability) {
  const state = phrase(off ? "knock_is_off" : "knock_is_on", { Part: capital(partWords(part)) });
  if (!loss) return state;
  const shares = { before: percent(probability), after: percent(probability - loss.probability) };
  return `${state} ${phrase("knock_costs", { change: lossWords(loss.logit), ...shares })}`;
}

/** The steps of the scale in words, from "rises" on; `steps`: the losses at which they begin. */
export const scaleWords = (steps) => [
  phrase("knock_scale_less"),
  phrase("knock_scale_first", { least: steps[0] }),
  ...steps.slice(1).map((high, index) => phrase("knock_scale_between", { low: steps[index], high })),
  phrase("knock_scale_last", { most: steps[steps.length - 1] }),
];
