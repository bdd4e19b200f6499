// The page's explorers: each in a pair of elements that Gradio mounts one by one, with data from its server.

import { ask, bytes } from "../shared/http.js";
import { inspect, MAIN, page, PAIR, PAIRS, updateEach } from "../shared/page.js";
import { link } from "./link.js";
import { mount as mountExplorer } from "./mount.js";

const places = new Map(); // by the pair's id: { parts, explorer, stop }
const links = PAIRS.map((pair) => ({ pair, ...link(pair, (id) => places.get(id)?.explorer) }));
const linkOf = (id) => links.find(({ pair }) => pair.includes(id));

inspect("explorer", (id = MAIN) => places.get(id)?.explorer);

/** The results that the page's server stores below an address, as a source. */
const served = (base) => ({
  result: (key, signal) => bytes(`${base}data/${encodeURIComponent(key)}`, signal),
  block: (key, stage, block) => bytes(`${base}data/${encodeURIComponent(key)}/${stage}/${block}`),
  inside: (key, stage, block) => bytes(`${base}inside/${encodeURIComponent(key)}/${stage}/${block}`),
});

/** What an explorer shows as a page of one file, with what was measured of it in this visit. */
const saved = (base) => (explorer, signal) => {
  const { value, state, key } = explorer;
  const asked = { value, state: { ...state, depth: "none" }, made: page.state.made[key] ?? null }; // the export panel is no view
  return ask(`${base}page/${encodeURIComponent(key)}`, asked, signal, (answer) => answer.blob());
};

/**
 * Takes an element that holds a template. `props.value` is what Python set, `watch` reports a new one, `base` is the
 * address below which the server answers. Returns its clean-up, which ends the pair's explorer.
 */
export function mount(element, props, watch, base) {
  const root = element.querySelector("[data-explorer]") ?? element;
  const { explorer: id, part } = root.dataset;
  if (!places.has(id)) places.set(id, { parts: {}, explorer: null, stop: null });
  const place = places.get(id);
  if (place.parts[part] !== root) {
    place.stop?.(); // the page replaced this element; its partner may stay
    for (const [other, each] of Object.entries(place.parts)) if (!each.isConnected) delete place.parts[other];
    place.parts[part] = root;
    if (place.parts.picture && place.parts.panels) place.stop = start(id, place, base);
  }
  let here = true;
  const take = () => here && props.value && typeof props.value === "object" && updateEach("results", { [id]: props.value });
  watch?.("value", take);
  take();
  return () => {
    here = false;
    if (place.parts[part] !== root) return; // another has replaced it
    place.stop?.();
    delete place.parts[part];
  };
}

/** Opens the laboratory, which starts from a preset, an experiment, or a lesson. */
function open(goal) {
  if ("lesson" in goal) return page.update({ begins: { link: goal.lesson } });
  const tab = "preset" in goal ? "architecture" : "break";
  document.getElementById(`tab-${tab}-button`)?.click(); // Python gives each tab the id tab-<name>
  page.update("preset" in goal ? { wanted: goal } : goal);
}

/** Mounts a pair and connects it to the page's state in both directions. Returns the clean-up. */
function start(id, place, base) {
  const publish = ({ state, result }) => updateEach("view", { [id]: { state, result } });
  const unmount = mountExplorer(place.parts, {
    source: served(base),
    saved: saved(base),
    value: page.state.results[id],
    ready: (explorer) => (place.explorer = explorer),
    renew: () => page.update({ gone: { explorer: id } }),
    start: id === MAIN ? open : undefined,
    shown(explorer) {
      if (id === MAIN) page.update({ model: explorer.value.model ?? null, picture: explorer.value });
      publish(explorer);
      linkOf(id)?.shown(id);
    },
    chosen(explorer, before) {
      publish(explorer);
      linkOf(id)?.chosen(id, before);
    },
  });
  const { explorer } = place;
  const leave = page.subscribe((now, before) => {
    if (id === MAIN && now.choosing !== before.choosing)
      now.choosing ? explorer.hold(now.choosing.newer, now.choosing.quiet) : explorer.release();
    if (now.results[id] !== before.results[id]) explorer.load(now.results[id]);
    if (PAIR.includes(id) && before.running && !now.running) explorer.notice.unanswered();
    const view = page.state.view[id]; // the current one, since a listener may get an older state
    if (view && view.result === explorer.result && view.state !== explorer.state) explorer.set(view.state);
  });
  return () => {
    leave();
    unmount();
    Object.assign(place, { explorer: null, stop: null });
    updateEach("view", { [id]: null });
  };
}
