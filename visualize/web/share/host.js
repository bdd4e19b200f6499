// The page's link: the address bar follows what is chosen; a link that was followed restores it.

import { make, refs, say } from "../shared/dom.js";
import { ask } from "../shared/http.js";
import { MAIN, page, updateEach } from "../shared/page.js";
import { architecturePairs, choicesOf, isHosts, queryOf, viewPairs } from "./query.js";
import { COPIED, noTab } from "./words.js";

const QUIET = 400; // ms without a change before the address follows
const PATIENCE = 30_000; // ms for which an explorer may take up the view of a link
const READ = 4100; // characters of an address that are sent; the server reads no more than 4000
const SAID = 8000; // ms for which it is said that the link was copied
const TABS = ["explore", "architecture"]; // by their names in a link; Python gives each tab the id tab-<name>

const explorerOn = (tab) => (tab === "architecture" ? "variant" : MAIN);
const buttonOf = (tab) => document.getElementById(`tab-${tab}-button`);
const openTab = () => TABS.find((tab) => buttonOf(tab)?.getAttribute("aria-selected") === "true");

let unmount = null; // of the one that the page has

/** Takes the element that holds the template; `base` is the address below which the server answers. Returns its clean-up. */
export function mount(element, _props, _watch, base) {
  unmount?.();
  const stop = new AbortController();
  const { signal } = stop;
  const ref = refs(element.querySelector("[data-share]") ?? element);
  let ready = false; // what the address says has been read
  let hidden = [];
  let wanted = null; // the view of a link, until an explorer has taken it
  let timer = 0;

  const ownPicture = () => Boolean(page.state.picture && page.state.picture.example === undefined);

  /** Everything that the page shows, as pairs. */
  function pairs() {
    const { tab, model, picture, view, architecture, linked } = page.state;
    const found = [];
    if (model && !picture.first) found.push(["model", model]);
    if (picture?.example) found.push(["picture", picture.example]);
    if (tab !== "explore") found.push(["tab", tab]);
    const shown = view[explorerOn(tab)];
    if (shown) found.push(...viewPairs(shown));
    if (architecture) found.push(...architecturePairs(architecture.state, architecture.about));
    else if (linked) found.push(...linked.pairs);
    if (hidden.length) found.push(["hide", hidden.join(",")]);
    return found;
  }

  function address() {
    const query = queryOf(pairs(), location.search);
    return `${location.pathname}${query ? `?${query}` : ""}${location.hash}`;
  }

  function follow() {
    if (!ready || wanted) return;
    clearTimeout(timer);
    const write = () => history.replaceState(history.state, "", address());
    const picture = page.state.picture?.example;
    if (picture && picture !== new URLSearchParams(location.search).get("picture"))
      write(); // who reloads at once keeps it
    else timer = setTimeout(write, QUIET);
  }

  /** What the address says when the page opens. */
  async function open() {
    const query = location.search.slice(1, 1 + READ);
    if ([...new URLSearchParams(query).keys()].every(isHosts)) return;
    const { view, notices, architecture, model, written } = await ask(`${base}open`, { query }, signal);
    hidden = view.hidden;
    document.documentElement.dataset.cvtHide = hidden.join(" ");
    ref.notices.replaceChildren(...notices.map((text) => make("li", { text })));
    ref.notice.hidden = !notices.length;
    page.update({ linked: { architecture, model, pairs: [...new URLSearchParams(written)] } });
    wanted = { view, id: explorerOn(view.tab) };
    setTimeout(() => (wanted = null), PATIENCE); // a variant that cannot be run is never shown
    choose(view.tab, 100);
    restore();
  }

  function choose(tab, tries) {
    const button = buttonOf(tab);
    if (button) return button.click();
    if (tries) return setTimeout(choose, 50, tab, tries - 1);
    ref.notices.append(make("li", { text: noTab(tab) }));
    ref.notice.hidden = false;
  }

  function restore() {
    const shown = wanted && page.state.view[wanted.id];
    if (!shown) return;
    const { view, id } = wanted;
    wanted = null;
    updateEach("view", { [id]: { ...shown, state: { ...shown.state, ...choicesOf(view, shown) } } });
  }

  async function copy() {
    clearTimeout(timer);
    history.replaceState(history.state, "", address());
    const picture = ownPicture() ? "own" : "example";
    let words = COPIED.copied[picture];
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      words = COPIED.refused[picture];
    }
    say(ref.said, words);
    setTimeout(() => say(ref.said, ""), SAID);
  }

  ref.copy.addEventListener("click", copy, { signal });
  ref.dismiss.addEventListener("click", () => (ref.notice.hidden = true), { signal });
  // whatever was pressed, perhaps in a menu of tabs; the page shows the tab when its own listeners are through
  document.addEventListener("click", () => setTimeout(() => openTab() && page.update({ tab: openTab() })), { signal });
  const leave = page.subscribe((now, before) => {
    if (["tab", "picture", "view", "architecture", "linked"].every((name) => now[name] === before[name])) return;
    if (wanted) restore();
    else follow();
  });
  open()
    .catch((error) => error.name !== "AbortError" && say(ref.said, error.message))
    .finally(() => {
      ready = true;
      follow();
    });
  return (unmount = () => {
    stop.abort();
    leave();
    clearTimeout(timer);
  });
}
