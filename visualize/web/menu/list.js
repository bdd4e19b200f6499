// The options of the menu: what can be chosen, and which of it has to be downloaded first.

import { say } from "../shared/dom.js";
import { phrase } from "../words/phrase.js";
import { megabytes } from "../words/format.js";

/**
 * @typedef {object} Model as the server lists it
 * @property {string} name
 * @property {string} title
 * @property {"ready"|"here"|"absent"|"loading"|"failed"} state
 * @property {?number} bytes to download; 0 for none, null where that is not known
 * @property {?string} sentence why it could not be had
 */

/**
 * What a model is called in the menu.
 * @param {Model} model
 */
export function label({ title, state, bytes }) {
  if (state === "failed") return phrase("model_failed", { title });
  if (state === "ready" || bytes === 0) return title;
  return bytes === null ? phrase("model_absent", { title }) : phrase("model_download", { title, size: megabytes(bytes) });
}

/**
 * Writes what the server lists into the options that the template has.
 * @param {HTMLSelectElement} list
 * @param {Model[]} models
 */
export function fill(list, models) {
  const by = new Map(models.map((model) => [model.name, model]));
  for (const option of list.options) {
    const model = by.get(option.value);
    if (model) say(option, label(model));
  }
}
