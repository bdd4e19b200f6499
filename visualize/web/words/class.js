// The words of class codes, from values. Steps count from 1, cells from 0 here and from 1 in text.

import { NARROW, percent } from "./format.js";
import { numberWords } from "./lesson.js";
import { blockName, branchName, differenceName, equallyFar, headName, no, noneOfThem, somethingElse, stageName, yes } from "./measures.js";
import { phrase } from "./phrase.js";

const MOST_NAMES = 40; // that are written out
const MOST_LETTERS = 24; // of a damaged code that are quoted

/** Choices whose values mean the same in every measure. */
const VALUES = {
  yes,
  no,
  else: somethingElse,
  attention: () => branchName("attention"),
  mlp: () => branchName("mlp"),
  better: () => differenceName("better"),
  worse: () => differenceName("worse"),
  equally: equallyFar,
};
/** What a number stands for among the choices of a measure. */
const NUMBERED = {
  "head-that-matters": headName,
  "nearest-head": headName,
  "farthest-stage": stageName,
  "most-changed-stage": stageName,
  decided: blockName,
};
const NONE = { ablation: () => differenceName("none"), "most-changed-stage": noneOfThem };
const UNITS = { distance: "px", field: "px", keys: "count", window: "count", cost: "times" }; // of all other measures: per cent

const own = (table, key) => (Object.hasOwn(table, key) ? table[key] : null);

/**
 * A choice's value as the lesson words it.
 * @param {string} value
 * @param {any} ask the lesson's question; undefined if it is not known
 */
export function choiceWords(value, ask) {
  if (ask?.options) return ask.options[Number(value) - 1] ?? value;
  const measure = ask?.measure?.name ?? "";
  if (value === "none") return own(NONE, measure)?.() ?? value;
  return (/^\d+$/.test(value) ? own(NUMBERED, measure)?.(Number(value) - 1) : own(VALUES, value)?.()) ?? value;
}

/** A number in its question's unit, or bare if that is not known. */
export const valueWords = (value, ask) => (ask ? numberWords(value, own(UNITS, ask.measure?.name) ?? "percent") : String(value));

/** Names one after the other, as many as fit; those without a name are counted. */
export function namesWords(names) {
  const given = names.filter(Boolean);
  const shown = given.slice(0, MOST_NAMES);
  const more = names.length - shown.length;
  if (!shown.length) return "";
  return more ? phrase("class_names_more", { names: shown.join(", "), count: more }) : shown.join(", ");
}

export const shareWords = ({ right, answered }) =>
  answered ? phrase("class_share", { right, answered, share: percent(right / answered) }) : phrase("class_none_guessed");

/** Who had an answer shown without a guess; "" if nobody. */
export function shownWords(shown, named) {
  if (!shown.length) return "";
  const names = named ? namesWords(shown) : "";
  return names ? phrase("class_shown_named", { count: shown.length, names }) : phrase("class_shown", { count: shown.length });
}

/** How many a bar stands for, and whether they were right, which may differ with the picture. */
export function barWords({ count, right }, all) {
  if (!right) return phrase("class_bar", { count, all });
  return right === count ? phrase("class_bar_right", { count, all }) : phrase("class_bar_mixed", { count, all, right });
}

/** What a strip of marks shows. `marks`: smallest first. */
export function rangeWords(marks, ask) {
  const at = (index) => valueWords(marks[index].value, ask);
  return phrase("class_range", { least: at(0), most: at(marks.length - 1), middle: at(Math.ceil(marks.length / 2) - 1) });
}

/** Each person's number; "" if no names are known. */
export function marksWords(marks, ask) {
  const named = marks.filter(({ name }) => name).map(({ name, value }) => phrase("class_mark", { name, value: valueWords(value, ask) }));
  return namesWords(named);
}

export function gridWords({ shape: [rows, columns], counts, people }) {
  const at = counts.reduce((best, count, index) => (count > counts[best] ? index : best), 0);
  const place = { row: Math.floor(at / columns) + 1, column: (at % columns) + 1 };
  return `${phrase("class_grid_size", { rows, columns })}. ${phrase("class_grid", { most: counts[at], people, ...place })}`;
}

export function questionWords({ step, part }, lesson) {
  const title = lesson?.steps[step - 1]?.title;
  const words = title ? phrase("class_step_of", { step, title }) : phrase("class_step", { step });
  return part === "after" ? phrase("class_after", { step: words }) : words;
}

/** A person, where one is named: the name, or the beginning of the code. */
const whoWords = (name, code, named) => (named && name ? name : quoted(code));

const quoted = (code) => {
  const text = code.replace(/[\s>|]+/g, "");
  return text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS)}${NARROW}…` : text;
};

export const againWords = ({ name, lesson }, code, times, named) =>
  phrase("class_again", { who: whoWords(name, code, named), lesson: lesson.name, times: times + 1 });

/** @param {import("../lesson/class/read.js").Problem} problem */
export function problemWords({ key, values }) {
  if (key === "class_damaged") {
    const told = { ...values, code: quoted(values.code) };
    return phrase(values.source ? "class_damaged_in" : "class_damaged", told);
  }
  return phrase(key, values);
}

/** How many answers were read. `people`: null if not all gave a name. */
export const summaryWords = (sheets, people, lessons) =>
  people === null ? phrase("class_summary_sheets", { sheets, lessons }) : phrase("class_summary", { people, lessons });
