// What measures share: the places that a lesson names, what was asked of the server, and the options of choices.

import { numberOf, offOf } from "../../breaking/knock/parts.js";
import { firstName } from "../../words/explorer.js";
import { no, noBlock, noPart, noStage, oneHead, yes } from "../../words/measures.js";

/**
 * @typedef {object} Context what a measure may use
 * @property {import("../../explorer/result.js").Result} result the shown one
 * @property {import("../../explorer/state.js").Choices} state the explorer's
 * @property {{ state: import("../../shared/page.js").Page }} page
 * @property {(name: string, body?: object) => Promise<any>} run the server's answer to an experiment's question about the result
 * @property {(stages: object[], side: number) => Promise<any>} describe the laboratory's answer for an architecture
 * @property {(name: string) => Promise<?{ stages: object[], side: number }>} preset one of the laboratory's; "own" is the model itself
 * @property {(preset?: string) => Promise<import("../../explorer/result.js").Result>} variant the laboratory's result, once it has run
 * @property {() => Promise<any>} ablations the table of trained ablations
 * @property {AbortSignal} signal aborts when the step is left
 *
 * @typedef {import("../grade.js").Truth} Truth
 * @typedef {import("../grade.js").Scale} Scale
 * @typedef {{ value: string, text: string }} Option
 * @typedef {{ stage: number, which: "query" | "key", shape: [number, number] }} AskedGrid `stage` from 0
 *
 * @typedef {object} Measure `parameters` are a lesson's; all but `truth` may answer with a promise too
 * @property {(parameters: any, context: Context) => any} [options] of a choice: Option[]
 * @property {(parameters: any, context: Context) => any} [scale] of a number: Scale
 * @property {(parameters: any, context: Context) => any} [grid] of cells: AskedGrid
 * @property {(parameters: any, context: Context) => any} [possible] null, or a sentence: why it cannot be asked here
 * @property {(parameters: any, context: Context) => Promise<Truth>} truth
 */

/** The stage and block that a lesson names, from 0; the last block if it names none. */
export function placeOf({ stage, block = "last" }, { result: { stages } }) {
  const at = numberOf(stage, stages.length) - 1;
  return { stage: at, block: stages[at] ? numberOf(block, stages[at].depth) - 1 : 0 };
}

/** Why the shown model has no such place; null if it has. */
export function noPlace(parameters, { result: { stages } }) {
  const { stage, block } = placeOf(parameters, { result: { stages } });
  if (!stages[stage]) return noStage(parameters.stage, stages.length);
  return block < stages[stage].depth ? null : noBlock(parameters.block, stage, stages[stage].depth);
}

/** Why nobody can choose among the heads of a place; null if one can. */
export function noHeadsAt(parameters, context) {
  const { stage } = placeOf(parameters, context);
  return noPlace(parameters, context) ?? (context.result.stages[stage].heads > 1 ? null : oneHead(stage));
}

/** What a lesson switches off, by the parts' ids; null where the model has no such part. */
export const partsOff = ({ off }, { result }) => offOf(off, result.stages);

/** Why a lesson's parts cannot be switched off here; null if they can. */
export const noParts = (parameters, context) => (partsOff(parameters, context)?.size ? null : noPart(parameters.off));

const kept = /** @type {WeakMap<object, Map<string, { signal: ?AbortSignal, answer: Promise<any> }>>} */ (new WeakMap());

/** The server's answer to a question about the shown result; asked once, unless it failed or the step that asked was left before. */
export function answered({ result, run, signal }, name, body = {}) {
  const answers = kept.get(result) ?? new Map();
  kept.set(result, answers);
  const id = JSON.stringify([name, body]);
  const before = answers.get(id);
  if (before && !before.signal?.aborted) return before.answer;
  const asked = { signal: /** @type {?AbortSignal} */ (signal), answer: run(name, body) };
  answers.set(id, asked);
  asked.answer.then(
    () => (asked.signal = null), // it is kept, whatever becomes of the step
    () => answers.get(id) === asked && answers.delete(id),
  );
  return asked.answer;
}

/** Options for numbers from 1 to `count`. */
export const numbered = (count, words) => Array.from({ length: count }, (_, at) => ({ value: String(at + 1), text: words(at) }));

export const yesOrNo = () => [
  { value: "yes", text: yes() },
  { value: "no", text: no() },
];

/** Classes as options; by their first names, if these differ. */
export function classOptions(labels) {
  const names = labels.map(firstName);
  return labels.map((value, at) => ({ value, text: names.indexOf(names[at]) === names.lastIndexOf(names[at]) ? names[at] : value }));
}

const SAME = 1e-9; // numbers of the server are rounded: what is nearer than this is a tie

/** The indices of all numbers that tie with the least, `near` to it; `sign` −1: with the largest. Null ones never win. */
export function leaders(numbers, sign = 1, near = SAME) {
  const valid = numbers.filter((each) => each !== null);
  const first = sign * Math.min(...valid.map((each) => sign * each));
  return numbers.flatMap((each, at) => (each !== null && Math.abs(each - first) <= near ? [at] : []));
}

/** The value of a truth by its index, from 0, with those that tie. */
export const winner = ([first, ...ties]) => ({
  value: String(first + 1),
  ...(ties.length ? { also: ties.map((at) => String(at + 1)) } : {}),
});

export const PERCENT = { least: 0, most: 100, step: 1, unit: "percent" };
