// The page's link: the address bar follows the choices, and opening a link restores them.

import { make, refs, say } from "../shared/dom.js";
import { life } from "../shared/life.js";
import { page } from "../shared/page.js";
import { buttonOf, opening } from "./opening.js";
import { isHosts, queryOf, tabPairs } from "./query.js";
import { CHOICES } from "../choices.js";
import { phrase } from "../words/phrase.js";

const QUIET = 400; // ms without a change before the address is updated
const READ = 4100; // characters of an address that are sent; the server reads at most 4000
const SAID = 8000; // ms for which "copied" is shown
const TABS = Object.keys(CHOICES.tab.values); // Python gives each tab the id tab-<name>

const FOLLOWED = /** @type {const} */ ([
  "tab",
  "picture",
  "view",
  "architecture",
  "experiment",
  "off",
  "how",
  "linked",
  "ablation",
  "lesson",
]);

const openTab = () => TABS.find((tab) => buttonOf(tab)?.getAttribute("aria-selected") === "true");

let unmount = null; // of the one that the page has

/** Takes the element that holds the template; `base` is the address below which the server answers. Returns its clean-up. */
export function mount(element, _props, _watch, base) {
  unmount?.();
  const root = element.querySelector("[data-share]") ?? element;
  const alive = life(root);
  const { signal, later, end } = alive;
  const ref = refs(root);
  const link = opening(base, alive, notify);
  let ready = false; // whether the address has been read
  let hidden = [];
  let hold = () => {}; // cancels the update of the address

  const ownPicture = () => Boolean(page.state.picture && page.state.picture.example === undefined);

  /** The page's state, as pairs. */
  function pairs() {
    const { model, picture, lesson } = page.state;
    const found = [];
    if (model && !picture.first) found.push([CHOICES.model.key, model]);
    if (picture?.example) found.push([CHOICES.picture.key, picture.example]);
    if (lesson?.link)
      found.push([CHOICES.lesson.key, lesson.link], [CHOICES.step.key, lesson.step]); // which sets all else
    else found.push(...tabPairs(page.state));
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
    if (!ready || link.pending || signal.aborted) return;
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
    const { view } = await link.open(query, true);
    hidden = view.hidden;
    document.documentElement.dataset.cvtHide = hidden.join(" ");
    page.update({ begins: view.lesson ? { link: view.lesson, step: view.step } : null });
  }

  /** Says what of the link could not be used. */
  function notify(notices) {
    ref.notices.append(...notices.map((text) => make("li", { text })));
    if (notices.length) ref.notice.hidden = false;
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
    follow();
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
