// Linked explorers: what is chosen in one is chosen in the other, at the same place of the picture, as far as it exists there.

import { LAYERS } from "./layers.js";
import { transferred } from "./state.js";

/** The place, among another's most probable classes, of the class that is looked at; where it is none of them, nothing moves. */
function sameClass(which, from, to) {
  const label = from.header.top[which]?.label;
  const place = to.result.header.top.findIndex((each) => each.label === label);
  return place < 0 ? to.state.which : place;
}

const inside = (value, count) => Math.min(value, count - 1);

/**
 * What another explorer must set so that it shows what this one does. `from` and `to`: { state, result }; of `before`, an
 * earlier state of `from`, only what has changed since is carried. Stages, blocks and heads that do not exist there become
 * the last one; channels become the one that varies most. A class is the same class, whatever its rank.
 */
export function linked(from, to, before = null) {
  const found = {};
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
    if (name === "stage") found.stage = inside(value, stages.length);
    else if (name === "y" || name === "x" || name === "focus") found[name] = placed[name];
    else if (name === "blocks") found.blocks = each(name, (block, { depth }) => inside(block, depth));
    else if (name === "heads") found.heads = each(name, (head, { heads }) => inside(head, heads));
    else if (name === "channels") found.channels = each(name, (channel, { width }) => (channel < width ? channel : null));
    else if (name === "layer" && !LAYERS[value].there(to.result)) continue;
    else if (name === "which") found.which = sameClass(value, from.result, to);
    else if (name === "output") found.output = Math.min(value, stages[found.stage ?? to.state.stage].width);
    else found[name] = value;
  }
  return found;
}

/**
 * Links the explorers of these ids, which `get` gives as soon as they are there. Returns what must be told: that one draws
 * another result (`shown`), and that other choices were made in one (`chosen`; `before`: what they were).
 */
export function link(ids, get) {
  let leader = ids[0]; // whose choices the others take when they show another result
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
