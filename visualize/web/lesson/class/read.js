// Reads the answers of many people from any text and files: codes among other words, and JSON files. Pure.

import { codesIn, decode, encode } from "./code.js";
import { entriesOf } from "./file.js";

const MOST_BYTES = 4_000_000; // of all that is read at once
const MOST_FILES = 1000;
export const MOST_ENTRIES = 5000; // on the page

/**
 * @typedef {"class_damaged" | "class_file_damaged" | "class_entry_damaged" | "class_file_unknown" | "class_nothing"} ProblemKey
 * @typedef {{ key: ProblemKey, values: any }} Problem `source`: a file's name, or "" for pasted text; `line`, `code`, `place` in a list
 *
 * @typedef {object} Class what was read so far
 * @property {Map<string, import("./answers.js").Entry>} entries by their codes: the same answers of the same person stand there once
 * @property {Map<string, number>} again how often each code came after the first time
 * @property {Problem[]} problems
 */

/** @returns {Class} */
export const nobody = () => ({ entries: new Map(), again: new Map(), problems: [] });

/**
 * Why these sources cannot be read; null if they can: the key of a sentence and its values.
 * @param {number[]} sizes bytes of each
 */
export function refusal(sizes) {
  const bytes = sizes.reduce((sum, each) => sum + each, 0);
  if (sizes.length > MOST_FILES) return because("class_many_files", { count: sizes.length, most: MOST_FILES });
  if (bytes > MOST_BYTES) return because("class_large", { size: megabytes(bytes), most: megabytes(MOST_BYTES) });
  return null;
}

/**
 * @param {"class_many" | "class_many_files" | "class_large"} key
 * @param {Record<string, string | number>} values
 */
const because = (key, values) => ({ key, values });

const megabytes = (bytes) => String(Math.round(bytes / 1e5) / 10);

/**
 * A class with what one source adds; the class that is given stays as it is.
 * @param {Class} before
 * @param {string} text
 * @param {string} source a file's name, or "" for pasted text
 * @returns {Class | ReturnType<typeof because>} the latter if there are more than can be shown; then nothing is added
 */
export function added(before, text, source = "") {
  const now = { entries: new Map(before.entries), again: new Map(before.again), problems: [...before.problems] };
  const problem = (key, values) => now.problems.push({ key, values: { source, ...values } });

  function add(entry) {
    const code = /** @type {string} */ (encode({ ...entry, answers: Object.fromEntries(entry.answers) }));
    if (now.entries.has(code)) now.again.set(code, (now.again.get(code) ?? 0) + 1);
    else now.entries.set(code, entry);
  }

  const listed = entriesOf(text);
  if (listed) {
    if (before.entries.size + listed.length > MOST_ENTRIES) return because("class_many", { count: listed.length, most: MOST_ENTRIES });
    listed.forEach((entry, index) => {
      if (entry) add(entry);
      else if (listed.length === 1) problem("class_file_damaged", {});
      else problem("class_entry_damaged", { place: index + 1 });
    });
    return now;
  }
  const codes = codesIn(text);
  if (before.entries.size + codes.length > MOST_ENTRIES) return because("class_many", { count: codes.length, most: MOST_ENTRIES });
  if (!codes.length) problem(source ? "class_file_unknown" : "class_nothing", {});
  for (const { text: code, line } of codes) {
    const entry = decode(code);
    if (entry) add(entry);
    else problem("class_damaged", { line, code });
  }
  return now;
}
