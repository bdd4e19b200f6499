// How an answer is graded against what the model found. Pure: no DOM, no text, and nothing is asked.

/**
 * @typedef {object} Truth what a measure found
 * @property {string | number | null} value null for cells, and where there is nothing to find
 * @property {ArrayLike<number>} [values] for cells: each cell's weight, none below 0
 * @property {(string | number)[]} [also] other values that are as right
 * @property {string} sentence what the model found, in words
 * @property {object} [show] changes of the explorer's choices that show it
 * @property {string} [source] where a number comes from that was not measured now
 *
 * @typedef {{ least: number, most: number, step: number, unit: string }} Scale of numbers
 * @typedef {{ right: boolean, score: number, gap: any }} Grade `score` from 0 to 1. `gap`: for a number, how much the answer is too
 *   large; for cells the shares of `chosen` cells, of the `best` and of as many under `uniform`; null for a choice and without an answer
 */

const TOLERANCE = 0.25; // of the truth, unless a lesson says otherwise
const LEAST = 1 / 20; // of the scale: a truth near 0 leaves at least this to be off by, times the tolerance
const ENOUGH = 0.5; // of the way from uniform to the best cells
const ALIKE = 0.01; // more than uniform: less than this, and every cell is as good as any other

/**
 * Whether there is anything to grade.
 * @param {Truth} truth
 */
export const gradable = ({ value, values }) => value !== null || values !== undefined;

/** How far a number may be from the truth. */
export const allowed = (truth, scale, tolerance = TOLERANCE) =>
  tolerance * Math.max(Math.abs(truth), LEAST * (scale ? scale.most - scale.least : 0));

/**
 * Grades an answer.
 * @param {any} ask as the lesson has it
 * @param {string | number | number[] | null} answer a choice's value, a number, or the indices of cells; null: there is none
 * @param {Truth} truth
 * @param {?Scale} [scale] for a number
 * @returns {Grade}
 */
export function grade(ask, answer, truth, scale = null) {
  if (answer === null || !gradable(truth)) return { right: false, score: 0, gap: null };
  if (ask.kind === "cells") return cells(answer, ask.count, /** @type {ArrayLike<number>} */ (truth.values));
  if (ask.kind === "number") return number(answer, truth.value, allowed(truth.value, scale, ask.tolerance));
  const right = [truth.value, ...(truth.also ?? [])].some((each) => String(each) === String(answer));
  return { right, score: Number(right), gap: null };
}

/** The score falls evenly from 1 to a half at the tolerance, and on to 0. */
function number(answer, truth, tolerance) {
  const gap = answer - truth;
  const off = Math.abs(gap);
  const right = off <= tolerance;
  if (off === 0) return { right, score: 1, gap };
  return { right, score: tolerance > 0 ? Math.max(0, 1 - off / (2 * tolerance)) : 0, gap };
}

function cells(chosen, count, values) {
  const [total, kept] = [sum(values), [...new Set(chosen)].slice(0, count)];
  const share = (indices) => (total > 0 ? sum(indices.map((index) => values[index] ?? 0)) / total : 0);
  const gap = { chosen: share(kept), best: share(best(values, count)), uniform: Math.min(1, count / values.length) };
  const span = gap.best - gap.uniform;
  if (span <= ALIKE * gap.uniform) return { right: true, score: 1, gap };
  const score = Math.min(1, Math.max(0, (gap.chosen - gap.uniform) / span));
  return { right: score >= ENOUGH, score, gap };
}

/** The indices of the largest values, largest first. */
export const best = (values, count) =>
  Array.from(values, (_, index) => index)
    .sort((one, two) => values[two] - values[one])
    .slice(0, count);

function sum(values) {
  let found = 0;
  for (let at = 0; at < values.length; at++) found += values[at];
  return found;
}
