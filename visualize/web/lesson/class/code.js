// A class code: a person's answers to a lesson as a short text that can be copied, sent and typed. Pure.
//
// CVT-, then groups of six symbols. The symbols are Crockford's 32 (https://www.crockford.com/base32.html): neither I, L, O nor U, so
// that no two can be confused; in either case, and O, I and L are read as 0 and 1. They are one large number: its last 20 bits check the
// rest, as the remainder by a prime, which notices every wrong symbol and every two that are swapped. The rest is digits of changing
// radix (digits.js): a lesson's name, its text's digest, the person's name, and the answers. Codes are kept by people, so this stays.

import { CELLS, entryOf, GRID, LESSON, NAME, rounded, shortValue, SLOTS, STEPS, WORDS } from "./answers.js";
import { putText, Reader, takeText, Writer } from "./digits.js";

const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const GROUP = 6;
const MOST = 130; // groups: no entry needs more
const CHECK = 20n; // bits
const PRIME = 1048573n; // the largest below 2 ** 20
const VERSION = 1;
const VERSIONS = 8;

// Tables that may grow, at their ends only. What is not in them is written letter by letter.
const LESSONS = ["tour", "far", "heads", "decided", "position", "projection", "stride", "cls", "overlap"];
const VALUES = ["yes", "no", "else", "none", "attention", "mlp", "better", "worse", "baseline", "cls-first", "mean", "linear", "equally"];
const [LESSONS_RADIX, VALUES_RADIX] = [32, 64];
const SPELT = 0; // the place of a lesson that is not among them

const KINDS = ["none", "small", "known", "spelt", "whole", "number", "cells"];
const FEW = 8; // most numbers of heads, stages and blocks are below
const MANY = 1000;
const WHOLE = 128;
const [MANTISSAS, EXPONENTS, LOWEST] = [1000, 16, -7]; // a number is a mantissa times a power of 10

const JOINT = "-[\\s>|]{0,8}(?!CVT-)"; // a code may be broken at its hyphens, as in quoted mail; the next one is no part of it
const codes = () => new RegExp(`CVT(?:${JOINT}[0-9A-Z]{${GROUP}}){2,${MOST}}(?:${JOINT}[0-9A-Z]{1,${GROUP}})?`, "gi");

/**
 * The codes in any text: mail, a table, a list. Each as it stands there, with the number of its line.
 * @returns {{ text: string, line: number }[]}
 */
export function codesIn(text) {
  // without what cannot be seen, and with hyphens as they were before a word processor turned them
  const tidied = text.replace(/[\u00ad\u200b-\u200d\u2060\ufeff]/g, "").replace(/[\u2010-\u2015\u2212]/g, "-");
  const found = [];
  let [line, at] = [1, 0];
  for (const match of tidied.matchAll(codes())) {
    for (; at < match.index; at++) if (tidied[at] === "\n") line++;
    found.push({ text: match[0], line });
  }
  return found;
}

/**
 * The code of a person's answers.
 * @param {{ lesson: { name: string, digest: string }, name: string, answers: object }} raw as `entryOf` takes it
 * @returns {?string} null if they cannot be written
 */
export function encode(raw) {
  const entry = entryOf(raw);
  if (!entry) return null;
  const writer = new Writer();
  writer.put(VERSION, VERSIONS);
  putLesson(writer, entry.lesson.name);
  writer.put(parseInt(entry.lesson.digest, 16), 2 ** 32);
  putText(writer, entry.name, NAME, true);
  const steps = Math.max(0, ...[...entry.answers.keys()].map((slot) => parseInt(slot, 10)));
  writer.put(steps, STEPS + 1);
  for (const slot of SLOTS.slice(0, 2 * steps)) writer.put(Number(entry.answers.has(slot)), 2);
  for (const answer of entry.answers.values()) putAnswer(writer, answer);
  return grouped(symbolsOf(writer.number));
}

/**
 * What a code says.
 * @returns {?import("./answers.js").Entry} null if a symbol is wrong or missing
 */
export function decode(text) {
  const symbols = text
    .toUpperCase()
    .replace(/^CVT/, "")
    .replace(/[^0-9A-Z]/g, "")
    .replaceAll("O", "0")
    .replace(/[IL]/g, "1");
  let number = 0n;
  for (const symbol of symbols) {
    const value = SYMBOLS.indexOf(symbol);
    if (value < 0) return null;
    number = number * 32n + BigInt(value);
  }
  const rest = number >> CHECK;
  if (number - (rest << CHECK) !== rest % PRIME) return null;
  const reader = new Reader(rest);
  return reader.take(VERSIONS) === VERSION ? read(reader) : null;
}

function read(reader) {
  const lesson = takeLesson(reader);
  const digest = reader
    .take(2 ** 32)
    .toString(16)
    .padStart(8, "0");
  const name = takeText(reader, NAME, true);
  const slots = SLOTS.slice(0, 2 * reader.take(STEPS + 1)).filter(() => reader.take(2));
  const answers = Object.fromEntries(slots.map((slot) => [slot, takeAnswer(reader)]));
  const entry = reader.rest === 0n ? entryOf({ lesson: { name: lesson, digest }, name, answers }) : null;
  return entry?.name === name ? entry : null;
}

function symbolsOf(number) {
  let [rest, symbols] = [(number << CHECK) + (number % PRIME), ""];
  for (; rest; rest >>= 5n) symbols = SYMBOLS[Number(rest & 31n)] + symbols;
  return symbols;
}

const grouped = (symbols) => ["CVT", ...(symbols.match(new RegExp(`.{1,${GROUP}}`, "g")) ?? [])].join("-");

function putLesson(writer, name) {
  const at = LESSONS.indexOf(name) + 1;
  writer.put(at, LESSONS_RADIX);
  if (at === SPELT) putText(writer, name, LESSON);
}

function takeLesson(reader) {
  const at = reader.take(LESSONS_RADIX);
  return at === SPELT ? takeText(reader, LESSON) : (LESSONS[at - 1] ?? null);
}

const isCount = (text) => /^(0|[1-9]\d{0,2})$/.test(text);

/** How an answer is written; see KINDS. */
function kindOf({ kind, value }) {
  if (kind === "choice") return isCount(value) ? "small" : VALUES.includes(value) ? "known" : "spelt";
  if (kind === "number") return Number.isInteger(value) && value >= 0 && value < WHOLE ? "whole" : "number";
  return kind;
}

function putAnswer(writer, answer) {
  const { value, right, shape } = answer;
  const kind = kindOf(answer);
  writer.put(2 * KINDS.indexOf(kind) + Number(right), 2 * KINDS.length);
  PUT[kind](writer, value, shape);
}

function takeAnswer(reader) {
  const digit = reader.take(2 * KINDS.length);
  return { right: digit % 2 === 1, ...TAKE[KINDS[digit >> 1]](reader) };
}

/** @type {Record<string, (writer: Writer, value: any, shape: any) => void>} */
const PUT = {
  none() {},
  small(writer, value) {
    writer.put(Math.min(value, FEW - 1), FEW);
    if (value >= FEW - 1) writer.put(Number(value), MANY);
  },
  known: (writer, value) => writer.put(VALUES.indexOf(value), VALUES_RADIX),
  spelt: (writer, value) => putText(writer, shortValue(value), WORDS),
  whole: (writer, value) => writer.put(value, WHOLE),
  number(writer, value) {
    const exponent = value === 0 ? 0 : Math.max(LOWEST, Math.floor(Math.log10(Math.abs(value))) - 2);
    const mantissa = Math.round(Math.abs(value) / 10 ** exponent);
    const [kept, power] = mantissa < MANTISSAS ? [mantissa, exponent] : [mantissa / 10, exponent + 1];
    writer.put(Number(value < 0), 2);
    writer.put(kept, MANTISSAS);
    writer.put(power - LOWEST, EXPONENTS);
  },
  cells(writer, value, shape) {
    for (const side of shape) writer.put(side - 1, GRID);
    writer.put(value.length - 1, CELLS);
    for (const cell of value) writer.put(cell, shape[0] * shape[1]);
  },
};

/** @type {Record<string, (reader: Reader) => object>} */
const TAKE = {
  none: () => ({ value: null }),
  small(reader) {
    const value = reader.take(FEW);
    return { value: String(value < FEW - 1 ? value : reader.take(MANY)) };
  },
  known: (reader) => ({ value: VALUES[reader.take(VALUES_RADIX)] ?? "" }),
  spelt: (reader) => ({ value: takeText(reader, WORDS) ?? "" }),
  whole: (reader) => ({ value: reader.take(WHOLE) }),
  number(reader) {
    const sign = reader.take(2) ? -1 : 1;
    const mantissa = reader.take(MANTISSAS);
    return { value: rounded(Number(`${sign * mantissa}e${reader.take(EXPONENTS) + LOWEST}`)) };
  },
  cells(reader) {
    const shape = [reader.take(GRID) + 1, reader.take(GRID) + 1];
    const value = Array.from({ length: reader.take(CELLS) + 1 }, () => reader.take(shape[0] * shape[1]));
    return { value, shape };
  },
};
