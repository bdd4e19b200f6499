// Everything that the scripts say stands whole in sentences/, under the key by which the others know it. A message is a key and
// values; it becomes words last, here. {name} stands for a value, {name|one|several} for one of two words by a count. What never
// changes stands in the templates, and the names of choices in visualize/page/link/choices.py.

import { PAGE } from "./sentences/page.js";
import { EXPLORER } from "./sentences/explorer.js";
import { INSIDE } from "./sentences/inside.js";
import { LABORATORY } from "./sentences/laboratory.js";

export const SENTENCES = { ...PAGE, ...EXPLORER, ...INSIDE, ...LABORATORY };

/**
 * The words of a key, with their values.
 * @param {keyof typeof SENTENCES} key
 * @param {Object<string, string | number>} [values] all that the words name
 */
export function phrase(key, values = {}) {
  return SENTENCES[key].replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name, one, several) => {
    if (!(name in values)) throw new Error(`${key} lacks ${name}`);
    return one === undefined ? String(values[name]) : values[name] === 1 ? one : several;
  });
}
