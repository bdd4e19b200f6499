// The laboratory: an architecture changed by controls, the server's description of it, and the run that follows.

import { make, refs, say } from "../shared/dom.js";
import { life } from "../shared/life.js";
import { buttons, offer } from "../shared/offer.js";
import { page } from "../shared/page.js";
import { alike, difference, differenceOf, initial, question, remedied, withCount } from "./architecture.js";
import { ask, newest } from "../shared/http.js";
import { runs } from "./runs.js";
import { stages } from "./stages.js";
import { takeaway } from "./takeaway.js";
import { breakdown, totals } from "./totals.js";
import { sides } from "../words/format.js";
import { differenceWords, remedyWords } from "../words/laboratory.js";
import { phrase } from "../words/phrase.js";

/** @type {any} */
const none = null;

export class Laboratory {
  /** The server's description of the baseline, the current architecture, and the drawn one; null until the server answers. */
  about = /** @type {any} */ (null);
  state = /** @type {any} */ (null);
  drawn = /** @type {any} */ (null);
  differences = /** @type {any[]} */ ([]);
  measure = "macs";
  stages = /** @type {ReturnType<typeof stages>} */ (none);
  totals = /** @type {ReturnType<typeof totals>} */ (none);
  breakdown = /** @type {ReturnType<typeof breakdown>} */ (none);
  runs = /** @type {ReturnType<typeof runs>} */ (none);
  takeaway = /** @type {ReturnType<typeof takeaway>} */ (none);

  /**
   * @param {HTMLElement} root holds the template
   * @param {string} base the address below which the server answers
   * @param {(event: string, value: object) => void} trigger sends an event of this element to Python
   */
  constructor(root, base, trigger) {
    this.root = root;
    this.base = base;
    this.trigger = trigger;
    this.life = life(root);
    offer(root);
    this.ref = refs(root);
    this.describe = newest(`${base}describe`, this.life.signal);
  }

  /** Fetches the controls for the model with this name, and starts at its architecture, or at `wanted`. */
  async open(model = null, wanted = null) {
    try {
      const about = await ask(`${this.base}about`, { model }, this.life.signal);
      if (!this.life.signal.aborted) this.begin(about, wanted);
    } catch (error) {
      if (error.name !== "AbortError") this.problem(error.message);
    }
  }

  begin(about, wanted) {
    const { ref } = this;
    this.about = about;
    this.model = about.model;
    const { linked } = page.state;
    if (linked?.model === about.model) {
      wanted ??= linked.architecture;
      page.update({ linked: null }); // applied only once
    }
    this.state = { ...initial(about), ...wanted };
    this.drawn = about.baseline;
    if (!this.runs) this.connect();
    ref.presets.replaceChildren(
      ...about.presets.map((each) =>
        make("button", {
          type: "button",
          class: "cvt-toggle",
          "data-preset": each.name,
          text: each.label,
          onclick: () => this.start(each),
        }),
      ),
    );
    ref.counts.replaceChildren(
      ...Array.from({ length: about.stages }, (_, index) =>
        make("button", {
          type: "button",
          "data-count": index + 1,
          text: `${index + 1}`,
          "aria-label": phrase("stages", { count: index + 1 }),
          onclick: () => this.change(withCount(this.state, index + 1, about)),
        }),
      ),
    );
    ref.side.max = about.sides.length - 1;
    this.stages.build();
    this.draw();
    this.root.setAttribute("data-ready", this.model);
    this.change(this.state);
    this.follow(); // in case another was shown while waiting for the server
  }

  connect() {
    const { ref } = this;
    const { signal } = this.life;
    const hear = (element, type, listener) => element.addEventListener(type, listener, { signal });
    this.stages = stages(this, ref.stages);
    this.totals = totals(ref.totals);
    this.breakdown = breakdown(ref.breakdown);
    this.runs = runs(this, ref, this.life);
    this.takeaway = takeaway(this, ref, this.life);
    hear(ref.side, "input", () => this.change({ ...this.state, side: this.about.sides[Number(ref.side.value)] }));
    hear(ref.reset, "click", () => this.change({ ...initial(this.about), seed: this.state.seed, weights: this.state.weights }));
    hear(ref.seed, "change", () => this.seed());
    for (const each of ref.weights.children) hear(each, "click", () => this.change({ ...this.state, weights: each.dataset.value }));
    const leave = page.subscribe((now, before) => {
      if (now.model !== before.model) this.follow();
      if (now.linked !== before.linked) this.restore();
    });
    const watcher = new ResizeObserver(() => this.resize());
    watcher.observe(this.root);
    signal.addEventListener("abort", () => {
      leave();
      watcher.disconnect();
      page.update({ architecture: null });
    });
    ref.measures.replaceChildren(...buttons("measure", { macs: phrase("macs"), parameters: phrase("parameters") }));
    for (const each of ref.measures.children) {
      hear(each, "click", () => {
        this.measure = each.dataset.value;
        this.draw();
      });
    }
  }

  /** Applies a link that is read after the controls exist. */
  restore() {
    const { linked } = page.state;
    if (linked?.model !== this.model) return;
    page.update({ linked: null });
    this.change({ ...this.state, ...linked.architecture });
  }

  /** Follows the page's choice of a model: its architecture becomes the baseline. */
  follow() {
    const { model } = page.state;
    if (model && model !== this.model) this.open(model);
  }

  resize() {
    const width = this.root.clientWidth;
    if (!width) return; // on a tab that is not open
    this.root.dataset.size = width > 1000 ? "wide" : width > 620 ? "medium" : "narrow";
    this.breakdown.draw(this.about.baseline, this.drawn, this.measure); // its text depends on its width
  }

  seed() {
    const value = Math.round(Number(this.ref.seed.value));
    const seed = Number.isFinite(value) ? Math.min(2 ** 31 - 1, Math.max(0, value)) : 0;
    this.change({ ...this.state, seed });
  }

  /** Starts from a preset: its stages and, if it has one, its input size. */
  start({ stages: given, side }) {
    this.change({ ...this.state, stages: given.map((stage) => ({ ...stage })), side });
  }

  /** Sets the state; the controls update at once, the drawing when the server answers. `moved`: the changed control. */
  async change(state, moved = null) {
    this.state = state;
    page.update({ architecture: { state, about: this.about } });
    this.runs.changed();
    this.reflect();
    let found;
    try {
      found = await this.describe({ ...question(state, moved), model: this.model });
    } catch (error) {
      return this.problem(error.message);
    }
    if (!found || this.state !== state) return; // a newer query is pending
    this.problem(found.problem ?? "", found.remedy, found.together);
    if (found.problem) this.runs.cannot();
    if (!found.variant) return say(this.ref.latest, "");
    this.latest(found.differences, moved);
    this.drawn = found.variant; // architectures that are too large for the server still have costs
    this.differences = found.differences;
    this.draw();
    if (!found.problem) this.runs.ask();
  }

  /** Shows the problem, and offers a remedy: one setting, or several together. The last drawing stays. */
  problem(sentence, remedy = null, together = []) {
    const { problem } = this.ref;
    problem.hidden = !sentence;
    problem.replaceChildren(sentence);
    const changes = remedy ? [remedy] : together;
    if (!changes.length) return;
    problem.append(
      " ",
      make("button", {
        type: "button",
        class: "cvt-toggle",
        text: remedyWords(remedy),
        onclick: () => this.change(remedied(this.state, changes, this.about)),
      }),
    );
  }

  /** Shows the effect of the control that moved last, next to the totals. */
  latest(differences, moved) {
    const several = differences.length > 1 ? phrase("several_differences", { count: differences.length }) : differences[0]?.sentence;
    const sentence = moved ? differenceOf(differences, ...moved)?.sentence : several;
    say(this.ref.latest, sentence ?? (differences.length ? "" : phrase("no_difference")));
  }

  /** Makes the controls show the state. */
  reflect() {
    const { ref, about, state } = this;
    this.stages.reflect();
    const press = (element, pressed) => element.setAttribute("aria-pressed", pressed);
    for (const each of ref.counts.children) press(each, Number(each.dataset.count) === state.stages.length);
    for (const each of ref.weights.children) press(each, each.dataset.value === state.weights);
    const preset = about.presets.find((each) => alike(state, each));
    for (const each of ref.presets.children) press(each, each.dataset.preset === preset?.name);
    say(ref.presetNote, preset?.note ?? "");
    ref.side.value = about.sides.indexOf(state.side);
    ref.side.setAttribute("aria-valuetext", phrase("pixels", { size: state.side }));
    say(ref.sideValue, sides([state.side, state.side]));
    if (document.activeElement !== ref.seed) ref.seed.value = state.seed;
    ref.reset.disabled = alike(state, initial(about));
    say(ref.count, differenceWords(difference(state, about)));
  }

  draw() {
    const { ref, about, drawn } = this;
    this.stages.draw(about.baseline, drawn);
    this.totals.draw(about.baseline, drawn);
    this.breakdown.draw(about.baseline, drawn, this.measure);
    for (const each of ref.measures.children) each.setAttribute("aria-pressed", each.dataset.value === this.measure);
    say(ref.breakdownNote, phrase(this.measure === "macs" ? "breakdown_macs" : "breakdown_parameters"));
    const sentences = this.differences.length ? this.differences.map((each) => each.sentence) : [phrase("no_differences")];
    ref.differences.replaceChildren(...sentences.map((text) => make("li", { text })));
    this.takeaway.draw();
  }

  /** Removes all listeners, timers and runs, and restores the element. */
  destroy() {
    this.state = null;
    this.life.end();
  }
}
