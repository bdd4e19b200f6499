// Linked explorers: what is chosen in one is chosen in the other, at the same place of the picture, as far as it exists there.

import { transferred } from "./state.js";

const inside = (value, count) => Math.min(value, count - 1);

/**
 * The choices named in `changes` as another explorer can have them. `from` and `to`: { state, result }. Stages, blocks and
 * heads that do not exist there become the last one; channels become the one that varies most.
 */
export function linked(changes, from, to) {
  const found = {};
  const { stages } = to.result;
  const placed = transferred(from.state, from.result, to.result);
  for (const name of Object.keys(changes)) {
    const value = from.state[name];
    if (name === "stage") found.stage = inside(value, stages.length);
    else if (name === "y" || name === "x" || name === "focus") found[name] = placed[name];
    else if (name === "blocks") found.blocks = stages.map(({ depth }, index) => inside(value[index] ?? depth - 1, depth));
    else if (name === "heads") found.heads = stages.map(({ heads }, index) => inside(value[index] ?? -1, heads));
    else if (name === "channels") found.channels = stages.map(({ width }, index) => (value[index] < width ? value[index] : null));
    else if (name === "output") found.output = Math.min(value, stages[found.stage ?? to.state.stage].width);
    else found[name] = value;
  }
  return found;
}

/** Links the explorers of these ids; `show` gives one of them a result, as soon as it is on the page. */
export function link(ids, signal) {
  const waiting = new Map();
  let leader = ids[0]; // whose choices the others take when they show another result
  let following = false;
  const get = (id) => window.cvtExplorer?.get(id);

  function follow(id, changes) {
    const from = get(leader);
    const to = get(id);
    if (id === leader || !from?.result || !to?.result) return;
    following = true;
    to.set(linked(changes, from, to));
    following = false;
  }

  function give(id) {
    const explorer = get(id);
    if (!explorer?.picture || !waiting.has(id)) return;
    const { value, again } = waiting.get(id);
    waiting.delete(id);
    explorer.trigger = again;
    explorer.load(value);
  }

  document.addEventListener("cvt-explorer", ({ detail: { id, what, changes } }) => {
    if (!ids.includes(id)) return;
    if (what === "attached") give(id);
    else if (what === "shown") ids.filter((each) => each !== leader && (id === leader || each === id)).forEach((each) => follow(each, get(leader)?.state ?? {}));
    else if (what === "set" && !following) {
      leader = id;
      ids.forEach((each) => follow(each, changes));
    }
  }, { signal });

  return {
    show(id, value, again) {
      waiting.set(id, { value, again });
      give(id);
    },
  };
}
