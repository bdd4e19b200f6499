// A class as a table for spreadsheets: one row for each answer. Pure.

const COLUMNS = ["lesson", "version", "person", "step", "question", "kind", "answer", "right"];
const FORMULA = /^[=+\-@\t\r]/; // with which a spreadsheet would begin to compute

const NUMBER = /^-?[\d.]+(e[+-]?\d+)?$/;

/** A field: quoted where it must be, and a name never a formula. */
function field(value) {
  const text = NUMBER.test(value) ? String(value) : String(value).replace(FORMULA, "'$&");
  return /[",\n\r;]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * An answer in a field; cells as "row/column", counted from 1.
 * @param {import("./answers.js").Answer} answer
 */
function written({ kind, value, shape }) {
  if (value === null) return "";
  if (kind !== "cells") return String(value);
  const [, columns] = /** @type {number[]} */ (shape);
  const place = (cell) => `${Math.floor(cell / columns) + 1}/${(cell % columns) + 1}`;
  return /** @type {number[]} */ (value).map(place).join(" ");
}

/**
 * @param {Iterable<import("./answers.js").Entry>} entries
 * @param {boolean} names whether names are kept; without them people are numbered
 */
export function csv(entries, names) {
  const rows = /** @type {(string | number)[][]} */ ([COLUMNS]);
  let person = 0;
  for (const { lesson, name, answers } of entries) {
    person += 1;
    for (const [slot, answer] of answers) {
      const [step, question] = slot.split(".");
      const who = names && name ? name : String(person);
      rows.push([lesson.name, lesson.digest, who, step, question, answer.kind, written(answer), Number(answer.right)]);
    }
  }
  return `\ufeff${rows.map((row) => row.map(field).join(",")).join("\r\n")}\r\n`; // the mark tells spreadsheets that it is UTF-8
}
