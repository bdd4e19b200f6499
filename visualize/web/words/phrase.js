// All text of the scripts is in sentences/, as whole templates by key. A message is a key and values until it is formatted here.
// {name} stands for a value, {name|one|several} for one of two words by a count, [words|term] for words that open a term of
// ./terms.js, where shared/terms.js writes the text. Fixed text is in the HTML templates, and the names
// of choices in visualize/page/link/choices.py.

import { ABOUT } from "./sentences/about.js";
import { BREAKING } from "./sentences/breaking.js";
import { CHOOSER } from "./sentences/chooser.js";
import { CLASS } from "./sentences/class.js";
import { DECIDE } from "./sentences/decide.js";
import { FILE } from "./sentences/file.js";
import { LESSON } from "./sentences/lesson.js";
import { MODEL } from "./sentences/model.js";
import { PAGE } from "./sentences/page.js";
import { EXPLORER } from "./sentences/explorer.js";
import { FINDINGS } from "./sentences/findings.js";
import { INSIDE } from "./sentences/inside.js";
import { KNOCK } from "./sentences/knock.js";
import { LABORATORY } from "./sentences/laboratory.js";
import { MAKE } from "./sentences/make.js";
import { MEASURES } from "./sentences/measures.js";
import { MENU } from "./sentences/menu.js";
import { REACH } from "./sentences/reach.js";
import { POSITION } from "./sentences/position.js";
import { SITE } from "./sentences/site.js";
import { TERM_SENTENCES } from "./sentences/terms.js";
import { TRAINED_SENTENCES } from "./sentences/trained.js";
import { TWO } from "./sentences/two.js";
import { TRIAL } from "./sentences/trial.js";

export const SENTENCES = {
  ...PAGE,
  ...MODEL,
  ...CHOOSER,
  ...MENU,
  ...LESSON,
  ...FILE,
  ...CLASS,
  ...MAKE,
  ...EXPLORER,
  ...INSIDE,
  ...FINDINGS,
  ...LABORATORY,
  ...TERM_SENTENCES,
  ...ABOUT,
  ...BREAKING,
  ...KNOCK,
  ...DECIDE,
  ...REACH,
  ...POSITION,
  ...TWO,
  ...TRIAL,
  ...MEASURES,
  ...TRAINED_SENTENCES,
  ...SITE,
};

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
