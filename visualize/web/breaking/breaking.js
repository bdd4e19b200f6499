// "Break it": the shown picture before and after an intervention, the classes of both, and one experiment at a time.

import { CHOICES } from "../choices.js";
import { make, refs, say } from "../shared/dom.js";
import { NeedsServer } from "../shared/http.js";
import { life } from "../shared/life.js";
import { offer } from "../shared/offer.js";
import { CHANGED, MAIN, page, updateEach } from "../shared/page.js";
import { rove, step } from "../shared/rove.js";
import { bars } from "./bars.js";
import { EXPERIMENTS } from "./experiments.js";
import { stream } from "../shared/stream.js";
import { percent } from "../words/format.js";
import { phrase } from "../words/phrase.js";

const { experiment: CHOICE } = CHOICES;
const [BEFORE] = CHANGED;
const press = (each, name) => each.setAttribute("aria-pressed", String(each.dataset.value === name));

/** Whether an element is displayed: its tab is open. */
const visible = (element) => element.offsetParent !== null;

/** A step of the work, in words. `size`: megabytes of what is loaded for it. */
function stepWords({ step, share, size = 0 }) {
  if (step === "loading") return phrase("break_loading", { size, share: percent(share) });
  if (step === "waiting") return phrase("break_waiting");
  return share ? phrase("break_share", { share: percent(share) }) : phrase("break_running");
}

export class Breaking {
  #name = null; // the experiment that is open
  #experiment = /** @type {?import("./experiments.js").Experiment} */ (null);
  #ending = /** @type {?AbortController} */ (null); // ends the open experiment
  #running = /** @type {?AbortController} */ (null);
  #heading = /** @type {?string} */ (null); // what the picture after is of; null: nothing was changed

  /**
   * @param {HTMLElement} root holds the template
   * @param {string} base the address below which the server answers
   */
  constructor(root, base) {
    this.root = root;
    this.base = base;
    this.life = life(root);
    offer(root);
    this.ref = refs(root);
  }

  begin() {
    const { ref, life } = this;
    const { signal } = life;
    ref.experiments.replaceChildren(
      ...Object.keys(EXPERIMENTS).map((value) =>
        make("button", { type: "button", class: "cvt-question", "data-value": value, text: CHOICE.values[value] }),
      ),
    );
    ref.experiments.addEventListener("click", ({ target }) => this.choose(target.dataset.value), { signal });
    ref.layers.addEventListener("click", ({ target }) => target.dataset.value && this.set({ layer: target.dataset.value, part: "stage" }), {
      signal,
    });
    ref.cancel.addEventListener("click", () => this.#stop(phrase("break_cancelled")), { signal });
    this.root.addEventListener("keydown", step, { signal });
    const leave = page.subscribe((now, before) => this.#follow(now, before));
    const opened = new ResizeObserver(() => this.#open()); // the tab is opened
    opened.observe(this.root);
    const watcher = new ResizeObserver(() => this.root.style.setProperty("--cvt-head-height", `${ref.head.offsetHeight}px`));
    watcher.observe(ref.head);
    signal.addEventListener("abort", () => {
      leave();
      opened.disconnect();
      watcher.disconnect();
    });
    this.#open();
  }

  /** Opens an experiment of this name. */
  choose(name) {
    if (!name) return;
    page.update({ experiment: name });
    this.#open(); // also one that could not be loaded
  }

  /** Changes choices of the view "before"; the other follows. */
  set(changes) {
    const shown = page.state.view[BEFORE];
    if (shown) updateEach("view", { [BEFORE]: { ...shown, state: { ...shown.state, ...changes } } });
  }

  #follow(now, before) {
    if (now.experiment !== before.experiment || now.picture !== before.picture) this.#open();
    if (now.gone !== before.gone) this.#renew(now.gone?.explorer);
    if (now.view === before.view) return;
    const [shown, was] = [now.view[BEFORE], before.view[BEFORE]];
    if (shown && shown.result !== was?.result) this.#update();
    else if (shown && shown.state !== was?.state) this.#experiment?.chosen?.();
    this.#draw();
  }

  /** A result that is no longer stored is computed again: the page's, or by the experiment. */
  #renew(id) {
    if (id === BEFORE) page.update({ gone: { explorer: MAIN } });
    else if (CHANGED.includes(id)) this.#update();
  }

  /** Shows the page's picture and the chosen experiment, once the tab is open. */
  #open() {
    if (!visible(this.root) || this.life.signal.aborted) return;
    const { picture, results } = page.state;
    const experiment = EXPERIMENTS[page.state.experiment] ? page.state.experiment : Object.keys(EXPERIMENTS)[0];
    if (picture && results[BEFORE]?.key !== picture.key) {
      this.#stop();
      updateEach("results", { [BEFORE]: { ...picture } });
      this.#showAfter(null);
    }
    if (experiment && experiment !== this.#name) this.#begin(experiment);
  }

  async #begin(name) {
    this.#end();
    this.#name = name;
    const { ref } = this;
    const { pair, load } = EXPERIMENTS[name];
    const ending = (this.#ending = new AbortController());
    [...ref.experiments.children].forEach((each) => press(each, name));
    rove(this.root);
    this.root.toggleAttribute("data-pair", pair);
    this.#showAfter(null);
    say(ref.finding, phrase("break_finding"));
    ref.experiment.replaceChildren();
    const loaded = await load().catch(() => null);
    if (ending.signal.aborted) return;
    if (!loaded) {
      this.#name = null; // choosing it again tries again
      return this.#problem(phrase("unreached"));
    }
    const body = make("div", { class: "cvt-break-experiment", "data-experiment": name });
    ref.experiment.replaceChildren(body);
    this.#experiment = loaded.mount(body, {
      run: (question, asked, unable) => this.#run(question, asked, ending.signal, unable),
      ask: (question, asked) => this.#ask(question, asked, ending.signal),
      shown: () => page.state.view[BEFORE] ?? null,
      showAfter: (value, heading) => !ending.signal.aborted && this.#showAfter(value, heading),
      tell: (sentence) => !ending.signal.aborted && say(ref.finding, sentence),
      set: (changes) => this.set(changes),
      signal: ending.signal,
    });
    this.#update();
  }

  #update() {
    if (page.state.view[BEFORE]) this.#experiment?.update();
    rove(this.root);
  }

  #end() {
    this.#stop();
    this.#ending?.abort();
    this.#experiment?.destroy();
    this.#experiment = null;
  }

  #showAfter(value, heading = /** @type {?string} */ (null)) {
    this.#heading = value && heading;
    const { before } = page.state.results;
    if (before) updateEach("results", { after: { ...(value ?? before), picture: before.picture } });
    this.#draw();
  }

  async #run(question, asked, ending, unable = /** @type {?(reason: string) => void} */ (null)) {
    if (ending.aborted) return null; // or it would end a run of the experiment that is open now
    this.#running?.abort();
    const mine = (this.#running = new AbortController());
    this.#problem("");
    this.#status(phrase("break_running"), true);
    const onStep = (step) => this.#status(stepWords(step), true);
    try {
      const { key } = page.state.results[BEFORE] ?? {};
      const found = await stream(`${this.base}${question}`, { key, ...asked }, onStep, mine.signal);
      return mine.signal.aborted ? null : found;
    } catch (error) {
      if (unable && error instanceof NeedsServer) unable(error.message);
      else if (!mine.signal.aborted && error.name !== "AbortError") this.#failed(error);
      return null;
    } finally {
      if (this.#running === mine) {
        this.#running = null;
        this.#status("");
      }
    }
  }

  /** As a run, but it says nothing while it works, and others may run beside it. */
  async #ask(question, asked, signal) {
    const { key } = page.state.results[BEFORE] ?? {};
    try {
      return await stream(`${this.base}${question}`, { key, ...asked }, () => {}, signal);
    } catch (error) {
      if (!signal.aborted) this.#failed(error);
      return null;
    }
  }

  /** Says why there is no answer. A server that was started anew does not know the picture's result: it computes it again. */
  #failed(error) {
    this.#problem(error.message);
    if (error.gone === "key") this.#renew(BEFORE);
  }

  #stop(words = "") {
    this.#running?.abort();
    this.#running = null;
    this.#problem("");
    this.#status(words);
  }

  #status(words, busy = false) {
    const { status, cancel } = this.ref;
    const held = cancel === document.activeElement;
    say(status, words);
    status.toggleAttribute("data-busy", busy);
    cancel.hidden = !busy;
    if (held && !busy) status.focus();
  }

  #problem(sentence) {
    say(this.ref.problem, sentence);
    this.ref.problem.hidden = !sentence;
  }

  /** The headings, the layers and the classes of both. */
  #draw() {
    const { ref } = this;
    const [before, after] = CHANGED.map((id) => page.state.view[id]);
    say(ref.beforeName, phrase(this.root.hasAttribute("data-pair") ? "break_before" : "break_alone"));
    say(ref.afterName, this.#heading ?? phrase("break_unchanged"));
    for (const each of ref.layers.children) press(each, before?.state.layer);
    bars(ref.bars, before?.result.header.top ?? [], this.#heading === null ? null : (after?.result.header.top ?? null));
    rove(this.root);
  }

  /** Removes all listeners, timers and runs, and restores the element. */
  destroy() {
    this.#end();
    this.life.end();
  }
}
