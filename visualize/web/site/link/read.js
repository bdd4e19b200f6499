// What a link's text says, read as visualize/page/link/permalink.py does, in the same words. An architecture is for the page with a server:
// what a link says of it is kept as it is, for links that lead there.

import { CHOICES, OTHERS } from "../../choices.js";
import { readOff } from "./off.js";

/**
 * @typedef {object} LinkFacts what a link can name
 * @property {string} model
 * @property {string[]} examples
 * @property {string[]} presets
 * @property {string[]} ablations
 * @property {string[]} hideable
 * @property {number} labels how many classes
 * @property {{ depth: number, heads: number, width: number, cls: boolean, rows: number, columns: number,
 *   projection: { method: string } }[]} stages
 * @property {string} lesson a pattern
 * @property {{ characters: number, notices: number, place: number, seed: number, steps: number, off: number }} most
 * @property {Object<string, string>} words sentences with values in braces
 */

const OTHER = new RegExp(`^(${OTHERS})`);
const ARCHITECTURE = /^(stages|side|s[1-9]\.[a-z]+)$/;
const NAMED = Object.values(CHOICES).filter(({ values }) => Object.keys(values).length);
const FLAGS = Object.values(CHOICES).filter(({ default: usual }) => usual === false);

/** A few characters of untrusted text. */
function short(text) {
  const plain = text.replace(/[^\w.,+-]/gu, "·");
  return plain.length > 12 ? `“${plain.slice(0, 12)}…”` : `“${plain}”`;
}

const whole = (text) => (/^[0-9]{1,10}$/.test(text) ? Number(text) : null);

const largest = (stages, name) => Math.max(...stages.map((stage) => stage[name]));

/**
 * The view, sentences on what cannot be used, and the pairs of an architecture: { view, notices, architecture }.
 * @param {string} query with or without its question mark
 * @param {LinkFacts} facts
 */
export function read(query, facts) {
  const { most, words } = facts;
  const view = /** @type {Object<string, any>} */ ({});
  const notices = /** @type {string[]} */ ([]);
  const say = (key, values = {}) => notices.push(words[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name])));
  const texts = pairs();

  function pairs() {
    const text = query.replace(/^\?/, "");
    const found = new Map();
    if ([...text].length > most.characters) {
      say("link_too_long");
      return found;
    }
    for (const [key, value] of new URLSearchParams(`?${text}`)) {
      if (found.has(key) && found.get(key) !== value) say("link_repeats", { key: short(key) });
      if (!found.has(key)) found.set(key, value);
    }
    return found;
  }

  function take(name) {
    const { key } = CHOICES[name];
    const value = texts.get(key);
    texts.delete(key);
    return value;
  }

  const refuse = (name, value) => say("link_value", { name: CHOICES[name].key, value: short(value) });

  /** Reads a choice: `parse` gives its value, or null where that is invalid. */
  function choice(name, parse) {
    const text = take(name);
    if (text === undefined) return;
    const value = parse(text);
    if (value === null) refuse(name, text);
    else view[name] = value;
  }

  const oneOf = (name, values) => choice(name, (text) => (values.includes(text) ? text : null));
  const number = (name, least, greatest) =>
    choice(name, (text) => {
      const found = whole(text);
      return found !== null && found >= least && found <= greatest ? found : null;
    });

  function off() {
    const text = take("off");
    if (text === undefined) return;
    const found = readOff(text, view.how ?? CHOICES.how.default, facts.stages, most.off);
    if (found.off) view.off = found.off;
    if (found.refused.length) refuse("off", found.refused[0]);
  }

  function hidden() {
    const text = take("hidden");
    if (text === undefined) return;
    const names = text.split(",");
    const unknown = names.find((name) => !facts.hideable.includes(name));
    if (unknown !== undefined) refuse("hidden", unknown);
    view.hidden = facts.hideable.filter((name) => names.includes(name));
  }

  /** Stage, block, head, channel and token, each within the bounds that the previous ones set. */
  function place() {
    number("stage", 1, facts.stages.length);
    const stages = view.stage ? [facts.stages[view.stage - 1]] : facts.stages;
    number("block", 1, largest(stages, "depth"));
    number("head", 0, largest(stages, "heads"));
    number("channel", 1, largest(stages, "width"));
    if (view.cls && !stages.some(({ cls }) => cls)) {
      delete view.cls;
      say("link_no_cls");
    }
    const half = texts.has(CHOICES.row.key) !== texts.has(CHOICES.col.key);
    number("row", 1, view.stage ? stages[0].rows : most.place);
    number("col", 1, view.stage ? stages[0].columns : most.place);
    if ("row" in view === "col" in view) return;
    delete view.row;
    delete view.col;
    if (half) say("link_half_place");
  }

  oneOf("model", [facts.model]);
  oneOf("picture", facts.examples);
  for (const { name, values } of NAMED) oneOf(name, Object.keys(values));
  for (const { name } of FLAGS) choice(name, (text) => (text === "1" ? true : text === "0" ? false : null));
  number("seed", 0, most.seed);
  number("which", 1, Math.max(1, facts.labels));
  oneOf("preset", facts.presets);
  oneOf("ablation", facts.ablations);
  choice("lesson", (text) => (new RegExp(`^(?:${facts.lesson})$`).test(text) ? text : null));
  number("step", 1, most.steps);
  off();
  hidden();
  const architecture = [...texts].filter(([key]) => ARCHITECTURE.test(key));
  architecture.forEach(([key]) => texts.delete(key));
  place();
  for (const key of texts.keys()) if (!OTHER.test(key)) say("link_unknown_key", { key: short(key) });
  return { view, notices: shortened(notices), architecture };

  function shortened(all) {
    if (all.length <= most.notices) return all;
    const count = all.length - most.notices + 1;
    return [...all.slice(0, most.notices - 1), words.link_more.replace("{count}", String(count))];
  }
}

/** The server's answer to a link: the view with its defaults, notices, the model, and the link's part for an architecture. */
export function opening(query, facts) {
  const { view, notices, architecture } = read(typeof query === "string" ? query : "", facts);
  const usual = Object.fromEntries(Object.values(CHOICES).map((each) => [each.name, each.default ?? null]));
  return {
    view: { ...usual, ...view },
    notices,
    model: facts.model,
    architecture: null,
    written: new URLSearchParams(architecture).toString(),
  };
}
