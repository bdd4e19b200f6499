// Entry: the page's link. The address bar follows what is chosen; a link that was followed restores it.

import { make, refs, say } from "../explorer/dom.js";
import { ask } from "../laboratory/client.js";
import { architecturePairs, choicesOf, isHosts, queryOf, viewPairs } from "./query.js";

const QUIET = 400; // ms without a change before the address follows
const PATIENCE = 30_000; // ms for which an explorer may take up the view of a link
const READ = 4100; // characters of an address that are sent; the server reads no more than 4000
const SAID = 8000; // ms for which it is said that the link was copied

const explorer = (id) => window.cvtExplorer?.get(id);
const tabs = () => Array.from(document.querySelectorAll('[role="tab"]'));
const nameOf = (tab) => tab.textContent.trim().toLowerCase().replaceAll(" ", "-");
const openTab = () => tabs().find((tab) => tab.getAttribute("aria-selected") === "true");

/** Takes the element that holds the template; `base` is the address below which the server answers. */
export function mount(element, _props, _watch, base) {
  const ref = refs(element.querySelector("[data-share]") ?? element);
  const page = (window.cvtPage = { linked: null, ready: false });
  let hidden = [];
  let wanted = null; // the view of a link, until an explorer has taken it
  let timer = 0;

  const ownPicture = () => Boolean(explorer("main")?.waiting && explorer("main").waiting.example === undefined);

  /** Everything that the page shows, as pairs. */
  function pairs() {
    const tab = openTab() ? nameOf(openTab()) : "explore";
    const found = [];
    const main = explorer("main")?.waiting;
    if (main?.bench && !main.first) found.push(["model", main.bench]);
    if (main?.example) found.push(["picture", main.example]);
    if (tab !== "explore") found.push(["tab", tab]);
    const shown = explorer(tab === "architecture" ? "variant" : "main");
    if (shown?.state && shown.result) found.push(...viewPairs(shown));
    const laboratory = window.cvtLaboratory;
    if (laboratory?.about) found.push(...architecturePairs(laboratory.state, laboratory.about));
    else if (page.linked) found.push(...page.linked.pairs);
    if (hidden.length) found.push(["hide", hidden.join(",")]);
    return found;
  }

  function address() {
    const query = queryOf(pairs(), location.search);
    return `${location.pathname}${query ? `?${query}` : ""}${location.hash}`;
  }

  function follow() {
    if (!page.ready || wanted) return;
    clearTimeout(timer);
    const write = () => history.replaceState(history.state, "", address());
    const picture = explorer("main")?.waiting?.example;
    if (picture && picture !== new URLSearchParams(location.search).get("picture")) write(); // who reloads at once keeps it
    else timer = setTimeout(write, QUIET);
  }

  /** What the address says when the page opens. */
  async function open() {
    const query = location.search.slice(1, 1 + READ);
    if ([...new URLSearchParams(query).keys()].every(isHosts)) return;
    const { view, notices, architecture, model, written } = await ask(`${base}open`, { query });
    hidden = view.hidden;
    document.documentElement.dataset.cvtHide = hidden.join(" ");
    ref.notices.replaceChildren(...notices.map((text) => make("li", { text })));
    ref.notice.hidden = !notices.length;
    page.linked = { architecture, model, pairs: [...new URLSearchParams(written)] };
    document.dispatchEvent(new CustomEvent("cvt-page"));
    wanted = { view, id: view.tab === "architecture" ? "variant" : "main" };
    setTimeout(() => (wanted = null), PATIENCE); // a variant that cannot be run is never shown
    choose(view.tab, 100);
    restore();
  }

  function choose(name, tries) {
    const tab = tabs().find((each) => nameOf(each) === name);
    if (tab) return tab.click();
    if (tries) return setTimeout(choose, 50, name, tries - 1);
    ref.notices.append(make("li", { text: `This page has no tab “${name}”. You see the first one.` }));
    ref.notice.hidden = false;
  }

  function restore() {
    const shown = wanted && explorer(wanted.id);
    if (!shown?.state || !shown.result) return;
    const { view } = wanted;
    wanted = null;
    shown.set(choicesOf(view, shown));
  }

  async function copy() {
    clearTimeout(timer);
    history.replaceState(history.state, "", address());
    let words = "Copied. The link opens this model, picture, view and architecture.";
    if (ownPicture()) words = "Copied. Your own picture is not in the link: whoever opens it sees an example.";
    try {
      await navigator.clipboard.writeText(location.href);
    } catch {
      words = `Copy it from the address bar. ${ownPicture() ? "Your own picture is not in it." : ""}`;
    }
    say(ref.said, words);
    setTimeout(() => say(ref.said, ""), SAID);
  }

  ref.copy.addEventListener("click", copy);
  ref.dismiss.addEventListener("click", () => (ref.notice.hidden = true));
  document.addEventListener("cvt-explorer", ({ detail }) => {
    if (detail.what === "shown" && detail.id === wanted?.id) restore();
    else follow();
  });
  document.addEventListener("cvt-laboratory", follow);
  document.addEventListener("click", (event) => event.target.closest?.('[role="tab"]') && follow());
  open().catch((error) => say(ref.said, error.message)).finally(() => {
    page.ready = true;
    follow();
  });
}
