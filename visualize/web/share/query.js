// The page's state as a query string in the format that visualize/page/link reads. Counts from 1; defaults are omitted.

import { CHOICES, OTHERS, SETTING_KEYS } from "../choices.js";
import { paddingOf, same } from "../laboratory/architecture.js";
import { cellAt, centre } from "../shared/geometry.js";
import { LAYERS } from "../explorer/layers.js";
import { initial } from "../explorer/state.js";
import { CHANGED, MAIN } from "../shared/page.js";
import { phrase } from "../words/phrase.js";

const keyOf = (name) => CHOICES[name].key;
const others = new RegExp(`^(${OTHERS})`);

/** The table's choices that an explorer's state has by the same name, and that have a default. */
const chosen = (state) => Object.values(CHOICES).filter((each) => each.name in state && each.default !== null);

const written = (value) => (typeof value === "boolean" ? Number(value) : value);

/** Whether a key of a query string is another program's, such as the page's host's; as in permalink.py. */
export const isHosts = (key) => others.test(key);

/** An explorer's choices as pairs: { state, result }. */
export function viewPairs({ state, result }) {
  const pairs = [];
  const { stages, input } = result;
  const fresh = initial(stages, input);
  const { stage } = state;
  const place = state.y !== fresh.y || state.x !== fresh.x ? cellAt(stages[stage].query, state.y, state.x) : null;
  if (state.blocks[stage] !== fresh.blocks[stage]) pairs.push([keyOf("block"), state.blocks[stage] + 1]);
  if (state.heads[stage] !== fresh.heads[stage]) pairs.push([keyOf("head"), state.heads[stage] + 1]);
  if (place) pairs.push([keyOf("row"), place.row + 1], [keyOf("col"), place.column + 1]);
  if (state.channels[stage] !== null) pairs.push([keyOf("channel"), state.channels[stage] + 1]);
  if (state.which) pairs.push([keyOf("which"), state.which + 1]);
  const [flags, named] = [true, false].map((flag) => chosen(state).filter((each) => (each.default === false) === flag));
  for (const { name, key } of flags) if (state[name] && (name !== "cls" || stages[stage].cls)) pairs.push([key, 1]);
  if (pairs.length || stage !== fresh.stage) pairs.unshift([keyOf("stage"), stage + 1]);
  for (const each of named) if (state[each.name] !== each.default) pairs.push([each.key, state[each.name]]);
  return pairs;
}

/** What is switched off, and what replaces it, as pairs. */
export const offPairs = (state) =>
  /** @type {const} */ (["off", "how"]).flatMap((name) => (state[name] === CHOICES[name].default ? [] : [[keyOf(name), state[name]]]));

/** The laboratory's differences from its baseline as pairs. */
export function architecturePairs(state, about) {
  const pairs = [];
  if (state.stages.length !== about.base.stages.length) pairs.push(["stages", state.stages.length]);
  state.stages.forEach((stage, index) => {
    const start = about.start[index];
    for (const [name, key] of Object.entries(SETTING_KEYS)) {
      const usual = name === "patch_padding" ? paddingOf(stage, start) : start[name];
      if (!same(stage[name], usual)) pairs.push([`s${index + 1}.${key}`, written(stage[name])]);
    }
  });
  if (state.side !== about.base.side) pairs.push([keyOf("side"), state.side]);
  if (state.weights !== CHOICES.weights.default) pairs.push([keyOf("weights"), state.weights]);
  if (state.seed) pairs.push([keyOf("seed"), state.seed]);
  return pairs;
}

/** The explorer that a tab's link is about. */
export const explorerOn = (tab) => ({ architecture: "variant", break: CHANGED[0] })[tab] ?? MAIN;

/** The page's open tab as pairs: all but model, picture, lesson and what is hidden. */
export function tabPairs({ tab, view, architecture, experiment, off, how, linked, ablation }) {
  const found = [];
  if (tab !== CHOICES.tab.default) found.push([keyOf("tab"), tab]);
  if (experiment !== CHOICES.experiment.default) found.push([keyOf("experiment"), experiment]);
  found.push(...offPairs({ off, how }));
  const shown = view[explorerOn(tab)];
  if (shown) found.push(...viewPairs(shown));
  if (architecture) found.push(...architecturePairs(architecture.state, architecture.about));
  else if (linked) found.push(...linked.pairs);
  if (ablation) found.push([keyOf("ablation"), ablation]);
  return found;
}

/** The first stage, from 1, that the pairs of an architecture change; null if none. */
export const changedStage = (pairs) => pairs.map(([key]) => Number(/^s(\d+)\./.exec(key)?.[1])).find(Boolean) ?? null;

/** The query string of pairs, after the host's keys in the current one. */
export function queryOf(pairs, present = "") {
  const search = new URLSearchParams(present);
  for (const key of [...search.keys()]) if (!isHosts(key)) search.delete(key);
  for (const [key, value] of pairs) search.append(key, value);
  return search.toString().replaceAll("%2C", ",").replaceAll("%2F", "/");
}

/**
 * What a link's view changes in an explorer, and what the result does not have, which stays as it is: { changes, notices }, the latter
 * sentences. `view`: as decoded by the server, which knows the model but not the result. `says`: whether the link names a choice; what it
 * does not name stays.
 */
export function opened(view, { state, result }, says = (/** @type {string} */ _name) => true) {
  const changes = /** @type {Record<string, any>} */ ({});
  const notices = [];
  const { stages } = result;
  const named = (name, value) => ({ name: keyOf(name), value });

  /** A link's number from `least` to `most`, or null. */
  function number(name, most, least = 1) {
    const value = view[name] ?? null;
    if (value === null || (value >= least && value <= most)) return value;
    notices.push(phrase("link_beyond", { ...named(name, value), least, most }));
    return null;
  }

  const stage = (number("stage", stages.length) ?? state.stage + 1) - 1;
  const { depth, heads, width, query, cls } = stages[stage];
  changes.stage = stage;
  const each = { blocks: number("block", depth), heads: number("head", heads, 0), channels: number("channel", width) };
  for (const [name, value] of Object.entries(each)) {
    if (value !== null) changes[name] = state[name].map((other, index) => (index === stage ? value - 1 : other));
  }
  const [row, column] = [number("row", query.shape[0]), number("col", query.shape[1])];
  if (row !== null && column !== null) Object.assign(changes, centre(query, { row: row - 1, column: column - 1 }), { pinned: true });
  for (const { name } of chosen(state)) if (says(name)) changes[name] = view[name];
  const which = number("which", result.header.top.length);
  if (which !== null) changes.which = which - 1;
  const absent = (name, otherwise) => {
    notices.push(phrase("link_absent", named(name, written(view[name]))));
    changes[name] = otherwise;
  };
  if (changes.layer && !LAYERS[changes.layer].there(result)) absent("layer", state.layer);
  if (changes.cls && !cls) absent("cls", false);
  if (["stage", "depth", "layer"].some(says)) changes.part = "stage"; // and not an embedding, or the classifier
  return { changes, notices };
}
