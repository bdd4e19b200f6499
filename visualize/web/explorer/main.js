// Entry: brings the elements of the page and their explorers together. The page's host calls `mount` for each element.

import { tell } from "../shared/dom.js";
import { bytes } from "../shared/http.js";
import { Explorer } from "./explorer.js";

// By the id that both elements of a pair carry. Kept by the window: a second try to load this file makes a second module.
const explorers = window.cvtExplorer?.explorers ?? new Map();

/** What the page's server holds below an address, as a source. */
const served = (base) => ({
  result: (key, signal) => bytes(`${base}data/${encodeURIComponent(key)}`, signal),
  block: (key, stage, block) => bytes(`${base}data/${encodeURIComponent(key)}/${stage}/${block}`),
  inside: (key, stage, block) => bytes(`${base}inside/${encodeURIComponent(key)}/${stage}/${block}`),
});

/**
 * Takes an element that holds a template. `props.value` is what Python set, `watch` tells of a new one, `base` is the
 * address below which the server answers, `trigger` sends an event of this element to Python.
 */
export function mount(element, props, watch, base, trigger) {
  const root = element.querySelector("[data-explorer]") ?? element;
  const { explorer: id, part } = root.dataset;
  let explorer = explorers.get(id);
  if (explorer?.roots[part] && explorer.roots[part] !== root) {
    // The page made this element anew; its partner may stay.
    explorer.destroy();
    const { roots, waiting } = explorer;
    explorer = new Explorer(id, served(base));
    explorer.waiting = waiting;
    for (const [other, each] of Object.entries(roots)) if (other !== part && each.isConnected) explorer.attach(other, each);
    explorers.set(id, explorer);
  }
  if (!explorer) explorers.set(id, (explorer = new Explorer(id, served(base))));
  const take = () => {
    if (!props.value || typeof props.value !== "object") return;
    const current = explorers.get(id);
    current.trigger = trigger;
    current.load(props.value);
  };
  explorer.attach(part, root);
  tell(id, "attached");
  watch?.("value", take);
  take();
}

window.cvtExplorer = {
  explorers,
  get: (id = "main") => explorers.get(id),
  stats: (id = "main") => explorers.get(id)?.stats(),
};
