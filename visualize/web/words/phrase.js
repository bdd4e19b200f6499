// All text of the scripts is in sentences/, as whole templates by key. A message is a key and values until it is formatted here.
// {name} stands for a value, {name|one|several} for one of two words by a count, [words|term] for words that open a term of
// ./terms.js, where shared/terms.js writes the text. Fixed text is in the HTML templates, and the names
// of choices in visualize/page/link/choices.py.

import { ABOUT } from "./sentences/about.js";
import { CHOOSER } from "./sentences/chooser.js";
import { PAGE } from "./sentences/page.js";
import { EXPLORER } from "./sentences/explorer.js";
import { FINDINGS } from "./sentences/findings.js";
import { INSIDE } from "./sentences/inside.js";
import { LABORATORY } from "./sentences/laboratory.js";
import { TERM_SENTENCES } from "./sentences/terms.js";

export const SENTENCES = { ...PAGE, ...CHOOSER, ...EXPLORER, ...INSIDE, ...FINDINGS, ...LABORATORY, ...TERM_SENTENCES, ...ABOUT };

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
