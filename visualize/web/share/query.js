// The page's state as a query string in the format that visualize/page/link reads. Counts from 1; defaults are omitted.

import { CHOICES, OTHERS, SETTING_KEYS } from "../choices.js";
import { paddingOf, same } from "../laboratory/architecture.js";
import { cellAt, centre } from "../shared/geometry.js";
import { LAYERS } from "../explorer/layers.js";
import { initial } from "../explorer/state.js";

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

/** The query string of pairs, after the host's keys in the current one. */
export function queryOf(pairs, present = "") {
  const search = new URLSearchParams(present);
  for (const key of [...search.keys()]) if (!isHosts(key)) search.delete(key);
  for (const [key, value] of pairs) search.append(key, value);
  return search.toString().replaceAll("%2C", ",").replaceAll("%2F", "/");
}

/** An explorer's changes for a link's view, as far as the result has them; `view` as decoded by the server. */
export function choicesOf(view, { state, result }) {
  const changes = {};
  const { stages } = result;
  const stage = Math.min((view.stage ?? state.stage + 1) - 1, stages.length - 1);
  changes.stage = stage;
  const at = (name, value) => (changes[name] = state[name].map((each, index) => (index === stage ? value : each)));
  if (view.block !== null) at("blocks", Math.min(view.block, stages[stage].depth) - 1);
  if (view.head !== null) at("heads", Math.min(view.head, stages[stage].heads) - 1);
  if (view.channel !== null) at("channels", Math.min(view.channel, stages[stage].width) - 1);
  if (view.row !== null && view.col !== null) {
    const { shape } = stages[stage].query;
    const cell = { row: Math.min(view.row, shape[0]) - 1, column: Math.min(view.col, shape[1]) - 1 };
    Object.assign(changes, centre(stages[stage].query, cell), { pinned: true });
  }
  for (const { name } of chosen(state)) changes[name] = view[name];
  if (!LAYERS[view.layer].there(result)) changes.layer = state.layer;
  if (view.which !== null) changes.which = Math.min(view.which, result.header.top.length) - 1;
  return changes;
}
