// Linked explorers: a choice in one is made in the other, at the same place in the picture, as far as it exists there.

import { LAYERS } from "./layers.js";
import { rankOf, transferred } from "./state.js";

const inside = (value, count) => Math.min(value, count - 1);

/**
 * The changes with which another explorer shows what this one does. `from` and `to`: { state, result }; given `before`, an
 * earlier state of `from`, only what has changed since. Stages, blocks and heads that do not exist there become the last
 * one; channels become the one that varies most. A class stays the same class, whatever its rank; if the other has no evidence for
 * it, it shows nothing rather than another class.
 */
export function linked(from, to, before = null) {
  const found = {};
  let changed = false; // the class, or whether it is shown
  const { stages } = to.result;
  const placed = transferred(from.state, from.result, to.result);
  const each = (name, fit) =>
    stages.map((stage, index) => {
      const value = from.state[name][index];
      return value === undefined || (before && before[name][index] === value) ? to.state[name][index] : fit(value, stage);
    });
  for (const name of Object.keys(from.state)) {
    const value = from.state[name];
    if (before && before[name] === value) continue;
    if (name === "layer") changed = true;
    if (name === "stage") found.stage = inside(value, stages.length);
    else if (name === "y" || name === "x" || name === "focus") found[name] = placed[name];
    else if (name === "blocks") found.blocks = each(name, (block, { depth }) => inside(block, depth));
    else if (name === "heads") found.heads = each(name, (head, { heads }) => inside(head, heads));
    else if (name === "channels") found.channels = each(name, (channel, { width }) => (channel < width ? channel : null));
    else if (name === "layer" && !LAYERS[value].there(to.result)) continue;
    else if (name === "which") changed = true;
    else if (name === "output") found.output = Math.min(value, stages[found.stage ?? to.state.stage].width);
    else found[name] = value;
  }
  if (!changed) return found;
  const which = rankOf(from.state.which, from.result, to.result);
  if (which >= 0) found.which = which;
  if (from.state.layer === "class" && LAYERS.class.there(to.result)) found.layer = which >= 0 ? "class" : "none";
  return found;
}

/**
 * Links the explorers of these ids, which `get` returns once they exist. Returns two callbacks: `shown`, for another
 * result in one, and `chosen`, for other choices in one (`before`: the previous ones).
 */
export function link(ids, get) {
  let leader = ids[0]; // the others take over its choices when they show another result
  let following = false;

  function follow(id, before) {
    const from = get(leader);
    const to = get(id);
    if (id === leader || !from?.result || !to?.result) return;
    following = true;
    to.set(linked(from, to, before));
    following = false;
  }

  return {
    shown(id) {
      ids.filter((each) => each !== leader && (id === leader || each === id)).forEach((each) => follow(each));
    },
    chosen(id, before) {
      if (following) return;
      leader = id;
      ids.forEach((each) => follow(each, before));
    },
  };
}
