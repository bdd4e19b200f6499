// Reads what is asked of an experiment, and refuses what is invalid in the words of the page's server (visualize/page/breaking/asked.py).

import { phrase } from "../words/phrase.js";

/**
 * asked[name], a whole number from `least` to `most`; `byDefault` if it is absent. Throws an Error with a sentence.
 * @param {any} asked @param {string} name @param {number} least @param {number} most @param {number} [byDefault]
 */
export function whole(asked, name, least, most, byDefault) {
  const value = asked[name] === undefined ? byDefault : asked[name];
  if (!Number.isInteger(value) || value < least || value > most) throw new Error(phrase("no_whole", { name, least, most }));
  return value;
}

/**
 * asked[name], one of `values`; `byDefault` if it is absent. Throws an Error with a sentence.
 * @param {any} asked @param {string} name @param {string[]} values @param {string} [byDefault]
 */
export function oneOf(asked, name, values, byDefault) {
  const value = asked[name] === undefined ? byDefault : asked[name];
  if (!values.includes(value)) throw new Error(phrase("no_such_choice", { name, values: values.join(", ") }));
  return value;
}

/** The index of the class that is asked for by its label; of the most probable one if none is. Throws an Error with a sentence. */
export function classOf(asked, labels, shown) {
  const { label } = asked;
  if (label === undefined || label === null) return shown[0];
  if (!labels.includes(label)) throw new Error(phrase("no_class"));
  return labels.indexOf(label);
}
