// Who answered what: the entries of a class by lesson and question, ready to be drawn. Pure.

import { SLOTS } from "./answers.js";

/**
 * @typedef {import("./answers.js").Entry} Entry
 * @typedef {{ value: string, names: string[], count: number, right: number }} Bar `right`: for how many it was
 * @typedef {{ value: number, name: string, right: boolean }} Mark
 * @typedef {{ shape: [number, number], counts: number[], people: number }} Grid `counts`: how many chose each cell
 *
 * @typedef {object} Question
 * @property {string} slot "2.ask"
 * @property {number} step
 * @property {"ask" | "after"} part
 * @property {number} answered how many guessed
 * @property {number} right how many of them rightly
 * @property {string[]} shown the names of those who had it shown without a guess
 * @property {Bar[]} bars of choices
 * @property {Mark[]} marks of numbers, smallest first
 * @property {Grid[]} grids of cells: one for each size of grid, the one with most people first
 *
 * @typedef {object} LessonTally
 * @property {string} name
 * @property {string} digest
 * @property {number} people
 * @property {string[]} repeated the names under which several different answers came
 * @property {Question[]} questions
 */

/**
 * All lessons that answers are of, those with most people first. Another digest is another text, and so another lesson.
 * @param {Iterable<Entry>} entries
 * @returns {LessonTally[]}
 */
export function tally(entries) {
  const groups = grouped(entries, ({ lesson }) => `${lesson.name} ${lesson.digest}`);
  return [...groups.values()].map(ofLesson).sort((one, two) => two.people - one.people || (one.name < two.name ? -1 : 1));
}

/** @returns {Map<string, any[]>} the items by their key, in the order in which they came */
function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) {
    const key = String(keyOf(item));
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(item);
  }
  return groups;
}

function ofLesson(entries) {
  const { name, digest } = entries[0].lesson;
  const byName = grouped(
    entries.filter((each) => each.name),
    (each) => each.name,
  );
  const repeated = [...byName].filter(([, each]) => each.length > 1).map(([person]) => person);
  const questions = SLOTS.filter((slot) => entries.some(({ answers }) => answers.has(slot))).map((slot) => ofQuestion(slot, entries));
  return { name, digest, people: entries.length, repeated, questions };
}

function ofQuestion(slot, entries) {
  const answers = entries.filter((each) => each.answers.has(slot)).map((each) => ({ name: each.name, ...each.answers.get(slot) }));
  const of = (kind) => answers.filter((each) => each.kind === kind);
  const [step, part] = slot.split(".");
  const guesses = answers.filter((each) => each.kind !== "none");
  return {
    slot,
    step: Number(step),
    part,
    answered: guesses.length,
    right: guesses.filter((each) => each.right).length,
    shown: of("none").map((each) => each.name),
    bars: barsOf(of("choice")),
    marks: of("number")
      .map(({ value, name, right }) => ({ value, name, right }))
      .sort((one, two) => one.value - two.value),
    grids: gridsOf(of("cells")),
  };
}

/** A bar for each value: numbers in their order, then words, the most frequent first. */
function barsOf(answers) {
  const bars = [...grouped(answers, (each) => each.value)].map(([value, each]) => ({
    value,
    names: each.map(({ name }) => name),
    count: each.length,
    right: each.filter(({ right }) => right).length,
  }));
  const order = ({ value }) => (/^\d+$/.test(value) ? Number(value) : Infinity);
  const compare = (one, two) => (order(one) === order(two) ? two.count - one.count : order(one) - order(two));
  return bars.sort(compare);
}

function gridsOf(answers) {
  const grids = [...grouped(answers, (each) => each.shape.join("×")).values()].map((each) => {
    const { shape } = each[0];
    const counts = new Array(shape[0] * shape[1]).fill(0);
    for (const { value } of each) for (const cell of value) counts[cell]++;
    return { shape, counts, people: each.length };
  });
  return grids.sort((one, two) => two.people - one.people);
}
