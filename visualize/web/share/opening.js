// Applies the text of a link to the page: the server says what it means, and only what it says is changed. Used by the page's address
// and by lessons.

import { CHOICES } from "../choices.js";
import { ask } from "../shared/http.js";
import { CHANGED, page, updateEach } from "../shared/page.js";
import { phrase } from "../words/phrase.js";
import { changedStage, explorerOn, opened } from "./query.js";

const PATIENCE = 30_000; // ms within which an explorer may apply a link's view
const TRIES = 100; // for a tab that the page may not have yet
const AGAIN = 50; // ms
// what is not an explorer's
const PAGES = ["model", "picture", "tab", "experiment", "off", "how", "preset", "ablation", "lesson", "step", "hidden"];
const WHOLE = ["stages", ...["side", "weights", "seed"].map((name) => CHOICES[name].key)]; // keys of an architecture

/** Python gives each tab the id tab-<name>. */
export const buttonOf = (tab) => document.getElementById(`tab-${tab}-button`);

/** Whether an explorer shows what it is to show, and nothing newer is on its way. */
function settled(id) {
  const { view, results, picture, choosing } = page.state;
  if (choosing || !view[id] || view[id].result.key !== results[id]?.key) return false;
  return id !== CHANGED[0] || results[id].key === picture?.key;
}

/**
 * `open(text, chosen)` applies a link's text; `chosen`: the server has opened its picture and model already. It resolves to the server's
 * answer and `applied`, a promise that resolves once the explorer shows the view, or cannot. `pending` is whether a view waits to be
 * applied. A newer text, or `stop`, takes the place of an older one: what that has not changed yet stays as it is.
 * @param {string} base the address below which the laboratory's server answers
 * @param {{ signal: AbortSignal, later: (work: () => void, wait?: number) => () => void }} life
 * @param {(notices: string[]) => void} notify takes sentences on what could not be used
 */
export function opening(base, { signal, later }, notify) {
  let wanted = /** @type {?{ view: any, said: Set<string>, id: string, done: () => void }} */ (null);
  let asking = new AbortController();
  let waits = false; // whether a link's model is being loaded

  function finish() {
    const { done } = wanted ?? {};
    wanted = null;
    done?.();
  }

  function stop() {
    asking.abort();
    waits = false;
    finish();
  }

  async function open(query, chosen = false) {
    stop();
    asking = new AbortController();
    const answer = await ask(`${base}open`, { query }, asking.signal);
    const { view, notices, model, architecture, written } = answer;
    const keys = [...new URLSearchParams(query).keys()];
    const said = new Set(Object.values(CHOICES).flatMap(({ name, key }) => (keys.includes(key) ? [name] : [])));
    notify(notices);
    const tab = said.has("tab") ? view.tab : page.state.tab;
    if (answer.needs) return { ...answer, applied: after(query, answer.needs, chosen, said.has("tab") && tab).catch(() => null) };
    if (!chosen) choosePicture(said.has("picture") && view.picture, said.has("model") && model);
    if (said.has("experiment")) page.update({ experiment: view.experiment });
    // the first experiment begins with all parts on
    if (["experiment", "off", "how"].some((name) => said.has(name))) page.update({ off: view.off, how: view.how });
    if (keys.some((key) => WHOLE.includes(key) || /^s\d+\./.test(key))) {
      const pairs = [...new URLSearchParams(written)];
      const stage = view.stage ?? changedStage(pairs);
      if (tab === "architecture") Object.assign(view, { stage });
      page.update({ linked: { architecture, model, stage, pairs } });
    }
    for (const name of ["preset", "ablation"]) if (view[name]) page.update({ wanted: { [name]: view[name] } });
    if (said.has("tab")) choose(tab, TRIES);
    if (!view.stage && [...said].every((name) => PAGES.includes(name))) return { ...answer, applied: Promise.resolve(null) };
    const applied = new Promise((done) => {
      const mine = (wanted = { view, said, id: explorerOn(tab), done: () => done(null) });
      later(() => wanted === mine && finish(), PATIENCE); // in case a variant cannot be run and is never shown
    });
    restore();
    return { ...answer, applied };
  }

  /**
   * Opens the link again once its model is in the server's memory, or without that model if it cannot be had. Until then the page shows
   * what it showed, on the link's tab.
   */
  async function after(query, model, chosen, tab) {
    const mine = asking;
    if (tab) choose(tab, TRIES);
    waits = true;
    const loaded = await new Promise((done) => page.update({ needed: { model, done } }));
    if (mine.signal.aborted) return null;
    waits = false;
    const rest = new URLSearchParams(query);
    rest.delete(CHOICES.model.key);
    return loaded ? (await open(query)).applied : (await open(`${rest}`, chosen)).applied;
  }

  function choosePicture(example, model) {
    const picture = example && example !== page.state.picture?.example ? { example } : null;
    if (picture || (model && model !== page.state.model)) page.update({ asked: { picture, model: model || null } });
  }

  function choose(tab, tries) {
    const button = buttonOf(tab);
    if (button) return button.click();
    if (tries) later(() => choose(tab, tries - 1), AGAIN);
    else notify([phrase("no_tab", { tab })]);
  }

  function restore() {
    if (!wanted || !settled(wanted.id)) return;
    const { view, said, id, done } = wanted;
    wanted = null;
    const shown = page.state.view[id];
    const { changes, notices } = opened(view, shown, (name) => said.has(name));
    notify(notices);
    updateEach("view", { [id]: { ...shown, state: { ...shown.state, ...changes } } });
    done();
  }

  const leave = page.subscribe(restore);
  signal.addEventListener("abort", () => {
    leave();
    stop();
  });
  return {
    open,
    stop,
    get pending() {
      return wanted !== null || waits;
    },
  };
}
