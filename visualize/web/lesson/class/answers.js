// A person's answers to a lesson as a value that is safe to show: what codes and files are read into. Pure.

export const STEPS = 12; // most of a lesson
const PARTS = /** @type {const} */ (["ask", "after"]);
export const CELLS = 9; // most to choose
export const GRID = 128; // most rows and columns of a grid
export const LESSON = 40; // letters of a lesson's name
export const NAME = 24; // letters of a person's name
export const WORDS = 24; // letters of a choice's value
const LARGEST = 1e7; // numbers are below this

const LESSON_NAME = new RegExp(`^[a-z0-9-]{1,${LESSON}}$`);
const DIGEST = /^[0-9a-f]{8}$/;
const SLOT = /^([1-9]|1[0-2])\.(ask|after)$/;

/**
 * @typedef {object} Answer
 * @property {"choice" | "number" | "cells" | "none"} kind none: the person had it shown without a guess
 * @property {string | number | number[] | null} value a choice's value; a number; the cells' indices in rows of the grid
 * @property {boolean} right
 * @property {[number, number]} [shape] rows and columns of the cells' grid
 *
 * @typedef {object} Entry one person's answers to one lesson
 * @property {{ name: string, digest: string }} lesson
 * @property {string} name empty if the person gave none
 * @property {Map<string, Answer>} answers by "<step>.ask" and "<step>.after", in that order
 */

/** Text without what could hide or turn other text, with single spaces, of at most `most` letters. */
const plainText = (text, most) =>
  Array.from(
    String(text)
      .slice(0, 20 * most)
      .normalize("NFC")
      .replace(/[\p{C}\p{Z}]+/gu, " ")
      .trim(),
  )
    .slice(0, most)
    .join("")
    .trim();

/** A choice's value in short: a class has several names, of which the first is enough. */
export const shortValue = (value) => plainText(String(value).split(",")[0], WORDS);

/** A number with three digits. */
export const rounded = (value) => Number(value.toPrecision(3));

/** The key of each answer that a lesson can have, in order. */
export const SLOTS = Array.from({ length: STEPS }, (_, step) => PARTS.map((part) => `${step + 1}.${part}`)).flat();

const within = (value, least, most) => Number.isInteger(value) && value >= least && value <= most;

/** A grid's rows and columns, or null. */
const shapeOf = (value) => (Array.isArray(value) && value.length === 2 && value.every((each) => within(each, 1, GRID)) ? value : null);

/** An answer of unknown origin as an Answer, or null. */
function answerOf(raw) {
  if (typeof raw !== "object" || raw === null || typeof raw.right !== "boolean") return null;
  const { value, right } = raw;
  if (value === null || value === undefined) return { kind: "none", value: null, right: false };
  if (typeof value === "string") return shortValue(value) ? { kind: "choice", value: shortValue(value), right } : null;
  if (typeof value === "number") return Math.abs(value) < LARGEST ? { kind: "number", value: rounded(value), right } : null;
  const shape = shapeOf(raw.shape);
  if (!Array.isArray(value) || !shape || value.length > CELLS || !value.length) return null;
  const cells = [...new Set(value)].sort((one, two) => one - two);
  return cells.every((cell) => within(cell, 0, shape[0] * shape[1] - 1)) ? { kind: "cells", value: cells, right, shape } : null;
}

/**
 * Answers of unknown origin, such as a file's: `{ lesson: { name, digest }, name, answers }`.
 * @returns {?Entry} null if they are none
 */
export function entryOf(raw) {
  if (typeof raw !== "object" || raw === null) return null;
  const { lesson, name, answers } = raw;
  if (typeof lesson !== "object" || lesson === null || typeof answers !== "object" || answers === null) return null;
  if (!LESSON_NAME.test(lesson.name) || !DIGEST.test(lesson.digest)) return null;
  const keys = Object.keys(answers);
  if (keys.length > SLOTS.length || !keys.every((key) => SLOT.test(key))) return null;
  const found = new Map();
  for (const slot of SLOTS.filter((each) => keys.includes(each))) {
    const answer = answerOf(answers[slot]);
    if (!answer) return null;
    found.set(slot, answer);
  }
  return { lesson: { name: String(lesson.name), digest: String(lesson.digest) }, name: plainText(name ?? "", NAME), answers: found };
}
