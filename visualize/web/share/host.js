// The page's link: the address bar follows the choices, and opening a link restores them.

import { make, refs, say } from "../shared/dom.js";
import { ask } from "../shared/http.js";
import { life } from "../shared/life.js";
import { CHANGED, MAIN, page, updateEach } from "../shared/page.js";
import { architecturePairs, changedStage, isHosts, opened, queryOf, viewPairs } from "./query.js";
import { CHOICES } from "../choices.js";
import { phrase } from "../words/phrase.js";

const QUIET = 400; // ms without a change before the address is updated
const PATIENCE = 30_000; // ms within which an explorer may apply a link's view
const READ = 4100; // characters of an address that are sent; the server reads at most 4000
const SAID = 8000; // ms for which "copied" is shown
const TABS = Object.keys(CHOICES.tab.values); // Python gives each tab the id tab-<name>

const FOLLOWED = /** @type {const} */ (["tab", "picture", "view", "architecture", "experiment", "linked"]);

const explorerOn = (tab) => ({ architecture: "variant", break: CHANGED[0] })[tab] ?? MAIN;
const buttonOf = (tab) => document.getElementById(`tab-${tab}-button`);
const openTab = () => TABS.find((tab) => buttonOf(tab)?.getAttribute("aria-selected") === "true");

let unmount = null; // of the one that the page has

/** Takes the element that holds the template; `base` is the address below which the server answers. Returns its clean-up. */
export function mount(element, _props, _watch, base) {
  unmount?.();
  const root = element.querySelector("[data-share]") ?? element;
  const { signal, later, end } = life(root);
  const ref = refs(root);
  let ready = false; // whether the address has been read
  let hidden = [];
  let wanted = null; // a link's view, until an explorer has applied it
  let hold = () => {}; // cancels the update of the address

  const ownPicture = () => Boolean(page.state.picture && page.state.picture.example === undefined);

  /** The page's state, as pairs. */
  function pairs() {
    const { tab, model, picture, view, architecture, experiment, linked } = page.state;
    const found = [];
    if (model && !picture.first) found.push([CHOICES.model.key, model]);
    if (picture?.example) found.push([CHOICES.picture.key, picture.example]);
    if (tab !== CHOICES.tab.default) found.push([CHOICES.tab.key, tab]);
    if (experiment !== CHOICES.experiment.default) found.push([CHOICES.experiment.key, experiment]);
    const shown = view[explorerOn(tab)];
    if (shown) found.push(...viewPairs(shown));
    if (architecture) found.push(...architecturePairs(architecture.state, architecture.about));
    else if (linked) found.push(...linked.pairs);
    if (hidden.length) found.push([CHOICES.hidden.key, hidden.join(",")]);
    return found;
  }

  function address() {
    const query = queryOf(pairs(), location.search);
    return `${location.pathname}${query ? `?${query}` : ""}${location.hash}`;
  }

  function write() {
    hold();
    history.replaceState(history.state, "", address());
  }

  function follow() {
    if (!ready || wanted || signal.aborted) return;
    hold();
    const picture = page.state.picture?.example;
    // a picture that was just chosen survives a reload
    if (picture && picture !== new URLSearchParams(location.search).get(CHOICES.picture.key)) write();
    else hold = later(write, QUIET);
  }

  /** Reads the address when the page opens. */
  async function open() {
    const query = location.search.slice(1, 1 + READ);
    if ([...new URLSearchParams(query).keys()].every(isHosts)) return;
    const { view, notices, architecture, model, written } = await ask(`${base}open`, { query }, signal);
    hidden = view.hidden;
    document.documentElement.dataset.cvtHide = hidden.join(" ");
    notify(notices);
    const pairs = [...new URLSearchParams(written)];
    const stage = view.stage ?? changedStage(pairs);
    if (view.tab === "architecture") view.stage = stage;
    page.update({ linked: { architecture, model, stage, pairs }, experiment: view.experiment });
    wanted = { view, id: explorerOn(view.tab) };
    later(() => (wanted = null), PATIENCE); // in case a variant cannot be run and is never shown
    choose(view.tab, 100);
    restore();
  }

  function choose(tab, tries) {
    const button = buttonOf(tab);
    if (button) return button.click();
    if (tries) return later(() => choose(tab, tries - 1), 50);
    notify([phrase("no_tab", { tab })]);
  }

  /** Says what of the link could not be used. */
  function notify(notices) {
    ref.notices.append(...notices.map((text) => make("li", { text })));
    if (notices.length) ref.notice.hidden = false;
  }

  function restore() {
    const shown = wanted && page.state.view[wanted.id];
    if (!shown) return;
    const { view, id } = wanted;
    wanted = null;
    const { changes, notices } = opened(view, shown);
    notify(notices);
    updateEach("view", { [id]: { ...shown, state: { ...shown.state, ...changes } } });
  }

  async function copy() {
    write();
    const own = ownPicture();
    try {
      await navigator.clipboard.writeText(location.href); // there is no clipboard without a secure context
      say(ref.said, phrase(own ? "link_copied_own" : "link_copied"));
    } catch {
      say(ref.said, phrase(own ? "link_refused_own" : "link_refused"));
    }
    later(() => say(ref.said, ""), SAID);
  }

  ref.copy.addEventListener("click", copy, { signal });
  ref.dismiss.addEventListener("click", () => (ref.notice.hidden = true), { signal });
  // for any click, perhaps in a menu of tabs; Gradio shows the tab after its own listeners have run
  document.addEventListener("click", () => later(() => openTab() && page.update({ tab: openTab() })), { signal });
  const leave = page.subscribe((now, before) => {
    if (FOLLOWED.every((name) => now[name] === before[name])) return;
    if (wanted) restore();
    else follow();
  });
  signal.addEventListener("abort", leave);
  signal.addEventListener("abort", () => delete document.documentElement.dataset.cvtHide);
  open()
    .catch((error) => error.name !== "AbortError" && say(ref.said, error.message))
    .finally(() => {
      ready = true;
      follow();
    });
  return (unmount = end);
}
