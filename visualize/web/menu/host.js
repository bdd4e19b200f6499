// The menu of models. A model that is not in the server's memory is loaded first, which can be watched and stopped; what is shown stays
// until then.

import { refs, say } from "../shared/dom.js";
import { get } from "../shared/http.js";
import { life } from "../shared/life.js";
import { MAIN, page } from "../shared/page.js";
import { stream } from "../shared/stream.js";
import { phrase } from "../words/phrase.js";
import { fill } from "./list.js";

const AFTER = 1000; // ms after the first result
const SOON = 400; // ms; arrow keys pass over models, which are not to be downloaded, and a quick load is not announced

let unmount = null; // of the one that the page has

/** Takes the element that holds the template; `base` is the address below which the server answers. Returns its clean-up. */
export function mount(element, _props, _watch, base) {
  unmount?.();
  const root = element.querySelector("[data-menu]") ?? element;
  const alive = life(root);
  const { signal, later, end } = alive;
  const ref = refs(root);
  const list = /** @type {HTMLSelectElement} */ (ref.list);
  let models = /** @type {import("./list.js").Model[]} */ ([]);
  let wanted = /** @type {?{ picture?: object, model: string, done?: (loaded: boolean) => void }} */ (null); // what waits for its model
  let loading = new AbortController();
  let begun = false;
  let hold = () => {}; // keeps the card from being shown

  const entry = (name) => models.find((model) => model.name === name);
  const shown = () => page.state.results[MAIN]?.model ?? null;

  /** Selects what waits, or what is shown. */
  function select() {
    const name = wanted?.model ?? shown();
    if (name) list.value = name;
  }

  async function refresh() {
    const found = await get(base.replace(/\/$/, ""), signal);
    models = found.models;
    fill(list, models);
    page.update({ ready: models.filter(({ state }) => state === "ready").map(({ name }) => name) });
    return found;
  }

  const open = () => ref.card.matches(":popover-open");

  /** Opens or closes the card, over all else on the page. */
  function show(visible) {
    place();
    if (visible !== open()) visible ? ref.card.showPopover() : ref.card.hidePopover();
  }

  /** Puts the card below the menu, or where that is out of sight at the top of the window. */
  function place() {
    const { right, bottom } = list.getBoundingClientRect();
    ref.card.style.right = `${document.documentElement.clientWidth - right}px`;
    ref.card.style.top = `${bottom > 0 && bottom < innerHeight / 2 ? bottom + 6 : 8}px`;
  }

  /** Opens the card with what is being done, or with why it was not. */
  function card({ doing = "", problem = "", again = false }) {
    hold();
    say(ref.problem, ""); // the same sentence again is news, too
    show(Boolean(doing || problem));
    ref.bar.hidden = !doing;
    ref.again.hidden = !again;
    say(ref.doing, doing);
    say(ref.problem, problem);
    say(ref.stop, phrase(doing ? "cancel" : "close"));
  }

  function step({ step, share }) {
    const downloads = step === "downloading";
    if (downloads) ref.progress.value = share;
    else ref.progress.removeAttribute("value");
    say(ref.share, downloads ? phrase("model_share", { percent: Math.floor(100 * share) }) : "");
    if (!open()) return;
    const { title = list.value } = entry(wanted?.model) ?? {};
    say(ref.doing, phrase(downloads ? "model_downloading" : "model_loading", { title }));
  }

  /** Nothing is loaded any more for whoever waits. */
  function stop() {
    loading.abort();
    settle(false);
  }

  function settle(loaded) {
    const { done, picture, model } = wanted ?? {};
    wanted = null;
    page.update({ needed: null });
    if (done) done(loaded);
    else if (loaded) page.update({ asked: { ...(picture && { picture }), model, loaded } });
    else if (picture) page.update({ asked: { picture } });
    select();
  }

  /** Loads a model, unless another one is wanted meanwhile. */
  async function load(asked) {
    stop();
    const mine = (loading = new AbortController());
    wanted = asked;
    const { model } = asked;
    const { title = model, bytes } = entry(model) ?? {};
    card({});
    select();
    const doing = () => card({ doing: phrase(bytes === 0 ? "model_loading" : "model_downloading", { title }) });
    hold = later(doing, SOON);
    try {
      if (bytes !== 0 && !asked.done) await new Promise((go) => later(() => go(null), SOON));
      mine.signal.throwIfAborted();
      await stream(`${base}load`, { name: model }, step, mine.signal);
      await refresh();
      if (mine.signal.aborted) return;
      card({});
      settle(true);
    } catch (error) {
      if (mine.signal.aborted || signal.aborted) return;
      settle(false);
      card({ problem: error.message, again: true });
      ref.again.onclick = () => load({ model });
      page.update({ doubts: page.state.doubts + 1 });
      refresh().catch(() => {});
    }
  }

  /** Shows a model, at once if it is in memory. */
  function choose(name) {
    if (name === shown()) {
      stop();
      card({});
    } else if (entry(name)?.state === "ready") {
      stop();
      card({});
      page.update({ asked: { model: name } });
    } else load({ model: name });
  }

  say(ref.again, phrase("try_again"));
  list.addEventListener("change", () => choose(list.value), { signal });
  window.addEventListener("resize", place, { signal });
  list.addEventListener("pointerdown", () => void refresh().catch(() => {}), { signal });
  function close() {
    stop();
    card({});
    list.focus();
  }

  /** Why a model was not had is old news. */
  function past() {
    const within = ref.card.contains(document.activeElement);
    card({});
    if (within) list.focus();
  }

  ref.stop.addEventListener("click", close, { signal });
  root.addEventListener("keydown", ({ key }) => void (key === "Escape" && open() && close()), { signal });
  const leave = page.subscribe((now, before) => {
    if (now.needed !== before.needed && now.needed) load(now.needed);
    if (now.results !== before.results || now.choosing !== before.choosing) now.choosing || select();
    if (now.results[MAIN] !== before.results[MAIN] && before.results[MAIN] && !wanted) past();
    if (before.away && !now.away && open() && !ref.again.hidden) past(); // it may have been the server
    if (shown()) begin();
  });
  signal.addEventListener("abort", () => {
    leave();
    loading.abort();
    page.update({ ready: null });
  });
  /** Asks once what can be chosen, after what people wait for. */
  function begin() {
    if (begun) return;
    begun = true;
    later(() => {
      refresh()
        .then(({ instead }) => instead && !wanted && card({ problem: instead }))
        .catch(() => {}); // the page then works with what it shows
    }, AFTER);
  }

  if (page.state.needed) load(page.state.needed);
  if (shown()) begin();
  select();
  return (unmount = end);
}
