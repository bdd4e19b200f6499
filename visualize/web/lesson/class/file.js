// A person's answers as a JSON file, which says in words what a code says in symbols. Pure.

import { entryOf } from "./answers.js";

const FORMAT = 1;

/** The file's text. `answers`: as the page has them, for what a code has no room for, such as all names of a class. */
export const fileOf = ({ lesson: { name, digest }, name: person, answers }) =>
  `${JSON.stringify({ cvtAnswers: FORMAT, lesson: { name, digest }, name: person, answers }, null, 2)}\n`;

/** A name for the file: "heads-ada.json". */
export const fileName = ({ lesson, name }) => {
  const person = name
    .normalize("NFD")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return `${[lesson.name, person].filter(Boolean).join("-")}.json`;
};

/**
 * The entries of a file: one, or a list of them. Null if the text is not such a file.
 * @returns {?(import("./answers.js").Entry | null)[]} null for an entry that cannot be read
 */
export function entriesOf(text) {
  let found;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  const list = Array.isArray(found) ? found : [found];
  if (!list.length || !list.every((each) => typeof each === "object" && each !== null && each.cvtAnswers !== undefined)) return null;
  return list.map((each) => (each.cvtAnswers === FORMAT ? entryOf(each) : null));
}
