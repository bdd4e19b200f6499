// All text of the scripts is in sentences/, as whole templates by key. A message is a key and values until it is formatted here.
// {name} stands for a value, {name|one|several} for one of two words by a count. Fixed text is in the HTML templates, and the names
// of choices in visualize/page/link/choices.py.

import { PAGE } from "./sentences/page.js";
import { EXPLORER } from "./sentences/explorer.js";
import { INSIDE } from "./sentences/inside.js";
import { LABORATORY } from "./sentences/laboratory.js";

export const SENTENCES = { ...PAGE, ...EXPLORER, ...INSIDE, ...LABORATORY };

/**
 * The text for a key, with its values.
 * @param {keyof typeof SENTENCES} key
 * @param {Object<string, string | number>} [values] all that the template names
 */
export function phrase(key, values = {}) {
  return SENTENCES[key].replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (_, name, one, several) => {
    if (!(name in values)) throw new Error(`${key} lacks ${name}`);
    return one === undefined ? String(values[name]) : values[name] === 1 ? one : several;
  });
}
