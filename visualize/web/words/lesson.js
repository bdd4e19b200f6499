// The words of lessons, from values. Cells count from 0 here, from 1 in text; steps from 1.

import { grouped, percent } from "./format.js";
import { phrase } from "./phrase.js";

/** "5 steps, 4 minutes". */
export const lengthWords = ({ steps, minutes }) => phrase("lesson_length", { steps: steps.length, minutes });

/** How much of a lesson is done, and how many of its predictions were right; "" before it is begun. */
export function progressWords({ steps }, { done, answers }) {
  const all = Object.values(answers).filter(({ value }) => value !== null); // the others were shown without one
  if (!done.length) return "";
  const words = phrase("lesson_done", { done: done.length, steps: steps.length });
  if (!all.length) return words;
  return `${words} · ${phrase("lesson_score", { right: all.filter(({ right }) => right).length, count: all.length })}`;
}

export const placeWords = (step, steps) => phrase("lesson_place", { step, steps });

const DIGITS = 3;
const short = (value) => String(Number(value.toPrecision(DIGITS))).replace("-", "−");

/** A number in its unit: "24 px", "48 %", "1.7 times", "144". */
export function numberWords(value, unit) {
  if (unit === "percent") return percent(value / 100);
  if (unit === "count") return grouped(Math.round(value));
  return phrase(unit === "px" ? "lesson_px" : "lesson_times", { value: short(value) });
}

/** What stands behind a field for a number. */
export const unitWords = (unit) =>
  ({ px: phrase("lesson_unit_px"), percent: phrase("lesson_unit_percent"), times: phrase("lesson_unit_times") })[unit] ?? "";

/** A cell, and whether it is marked; null: it cannot be. */
export const cellWords = ({ row, column }, marked) =>
  phrase(marked ? "lesson_cell_marked" : "lesson_cell", { row: row + 1, column: column + 1 });

export const markedWords = (count, most) => phrase("lesson_marked", { count, most });

/** How far an answer is from the truth; "" where that says no more than right or wrong. */
export function gapWords(ask, answer, truth, { gap }, scale) {
  if (answer === null || !gap) {
    return answer !== null && gap === 0 ? phrase("lesson_exact", { answer: numberWords(answer, scale.unit) }) : "";
  }
  if (ask.kind === "cells") {
    const { chosen, best, uniform } = gap;
    return phrase("lesson_cells_gap", { chosen: percent(chosen), best: percent(best), uniform: percent(uniform), count: ask.count });
  }
  const values = { answer: numberWords(answer, scale.unit), gap: numberWords(Math.abs(gap), scale.unit) };
  const bare = { ...values, gap: short(Math.abs(gap)) };
  if (scale.unit === "percent") return phrase(gap > 0 ? "lesson_points_above" : "lesson_points_below", bare);
  if (scale.unit === "times") return phrase(gap > 0 ? "lesson_too_high" : "lesson_too_low", bare);
  return phrase(gap > 0 ? "lesson_too_large" : "lesson_too_small", values);
}

/** The words that open a term in a lesson's text, the longer ones first. */
const TERMS = [
  ["cls token", "cls_token"],
  ["conv embedding", "conv_embedding"],
  ["conv projections", "conv_projection"],
  ["conv projection", "conv_projection"],
  ["attention", "attention"],
  ["tokens", "token"],
  ["token", "token"],
  ["heads", "head"],
  ["head", "head"],
  ["blocks", "block"],
  ["block", "block"],
  ["queries", "query"],
  ["query", "query"],
  ["keys", "key"],
  ["values", "value"],
  ["padding", "padding"],
  ["stride", "stride"],
  ["stages", "stage"],
  ["stage", "stage"],
  ["cells", "cell"],
  ["cell", "cell"],
  ["mlp", "mlp"],
  ["classifier", "classifier"],
];

/** A lesson's text in which the first word for each term opens it. */
export function marked(text) {
  const known = new Set();
  const words = new RegExp(`\\b(${TERMS.map(([each]) => each).join("|")})\\b`, "gi");
  return text.replaceAll(/[[\]|]/g, "").replace(words, (found) => {
    const [, term] = TERMS.find(([each]) => each === found.toLowerCase()) ?? [];
    if (!term || known.has(term)) return found;
    known.add(term);
    return `[${found}|${term}]`;
  });
}
