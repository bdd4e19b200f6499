// The laboratory: an architecture that is changed by controls, what the server says of it, and the run that follows.

import { make, refs, say } from "../shared/dom.js";
import { page } from "../shared/page.js";
import { alike, difference, differenceOf, initial, question, remedied, withCount } from "./architecture.js";
import { ask, newest } from "../shared/http.js";
import { runs } from "./runs.js";
import { stages } from "./stages.js";
import { takeaway } from "./takeaway.js";
import { breakdown, totals } from "./totals.js";
import { valueWords } from "./words.js";

const MEASURES = { macs: "multiply-adds", parameters: "parameters" };

export class Laboratory {
  /** `base` is the address below which the server answers, `trigger` sends an event of this element to Python. */
  constructor(root, base, trigger) {
    Object.assign(this, { root, base, trigger, ref: refs(root), about: null, state: null, drawn: null, measure: "macs" });
    this.stop = new AbortController();
    this.describe = newest(`${base}describe`);
  }

  /** Asks what there is to control, for the model of this name, and starts at its architecture, or at `wanted`. */
  async open(model = null, wanted = null) {
    try {
      const about = await ask(`${this.base}about`, { model }, this.stop.signal);
      this.begin(about, wanted);
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
      page.update({ linked: null }); // taken up once
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
          "aria-label": index ? `${index + 1} stages` : "1 stage",
          onclick: () => this.change(withCount(this.state, index + 1, about)),
        }),
      ),
    );
    ref.side.max = about.sides.length - 1;
    this.stages.build();
    this.draw();
    this.root.setAttribute("data-ready", this.model);
    this.change(this.state);
    this.follow(); // where another was shown while the server was asked
  }

  connect() {
    const { ref } = this;
    const { signal } = this.stop;
    const hear = (element, type, listener) => element.addEventListener(type, listener, { signal });
    this.stages = stages(this, ref.stages);
    this.totals = totals(ref.totals);
    this.breakdown = breakdown(ref.breakdown);
    this.runs = runs(this, ref, signal);
    this.takeaway = takeaway(this, ref, signal);
    hear(ref.side, "input", () => this.change({ ...this.state, side: this.about.sides[Number(ref.side.value)] }));
    hear(ref.reset, "click", () => this.change({ ...initial(this.about), seed: this.state.seed, weights: this.state.weights }));
    hear(ref.seed, "change", () => this.seed());
    for (const each of ref.weights.querySelectorAll("button"))
      hear(each, "click", () => this.change({ ...this.state, weights: each.value }));
    this.leave = page.subscribe((now, before) => {
      if (now.model !== before.model) this.follow();
      if (now.linked !== before.linked) this.restore();
    });
    this.watcher = new ResizeObserver(() => this.resize());
    this.watcher.observe(this.root);
    for (const each of ref.measures.querySelectorAll("button")) {
      hear(each, "click", () => {
        this.measure = each.value;
        this.draw();
      });
    }
  }

  /** Takes up what a link says, where it is read after the controls are there. */
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
    this.breakdown.draw(this.about.baseline, this.drawn, this.measure); // its words fit its width
  }

  seed() {
    const value = Math.round(Number(this.ref.seed.value));
    const seed = Number.isFinite(value) ? Math.min(2 ** 31 - 1, Math.max(0, value)) : 0;
    this.change({ ...this.state, seed });
  }

  /** Starts from a preset: its stages and, where it has one, its input. */
  start({ stages: given, side }) {
    this.change({ ...this.state, stages: given.map((stage) => ({ ...stage })), side });
  }

  /** Another state; the controls follow at once, the drawing when the server has answered. `moved` names the control. */
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
    if (!found || this.state !== state) return; // a newer step is on its way
    this.problem(found.problem ?? "", found.remedy, found.together);
    if (found.problem) this.runs.cannot();
    if (!found.variant) return say(this.ref.latest, "");
    this.latest(found.differences, moved);
    this.drawn = found.variant; // what is too large for the server still has its costs
    this.differences = found.differences;
    this.draw();
    if (!found.problem) this.runs.ask();
  }

  /** Says what cannot be, and offers what can: one setting, or several together. The last drawing stays. */
  problem(sentence, remedy = null, together = []) {
    const { problem } = this.ref;
    problem.hidden = !sentence;
    problem.replaceChildren(sentence);
    const changes = remedy ? [remedy] : together;
    if (!changes.length) return;
    const text = remedy
      ? `Use ${remedy.label.toLowerCase()} ${valueWords(remedy.value)}${remedy.stage === null ? "" : ` in stage ${remedy.stage + 1}`}`
      : "Use all of these";
    problem.append(
      " ",
      make("button", { type: "button", class: "cvt-toggle", text, onclick: () => this.change(remedied(this.state, changes, this.about)) }),
    );
  }

  /** The difference that the control which moved last makes, beside the sums. */
  latest(differences, moved) {
    const several = differences.length > 1 ? `${differences.length} differences, listed below.` : differences[0]?.sentence;
    const sentence = moved ? differenceOf(differences, ...moved)?.sentence : several;
    say(this.ref.latest, sentence ?? (differences.length ? "" : "The same as the baseline."));
  }

  /** Makes the controls show the state. */
  reflect() {
    const { ref, about, state } = this;
    this.stages.reflect();
    const press = (element, pressed) => element.setAttribute("aria-pressed", pressed);
    for (const each of ref.counts.children) press(each, Number(each.dataset.count) === state.stages.length);
    for (const each of ref.weights.querySelectorAll("button")) press(each, each.value === state.weights);
    const preset = about.presets.find((each) => alike(state, each));
    for (const each of ref.presets.children) press(each, each.dataset.preset === preset?.name);
    say(ref.presetNote, preset?.note ?? "");
    ref.side.value = about.sides.indexOf(state.side);
    ref.side.setAttribute("aria-valuetext", `${state.side} pixels`);
    say(ref.sideValue, `${state.side}×${state.side}`);
    if (document.activeElement !== ref.seed) ref.seed.value = state.seed;
    ref.reset.disabled = alike(state, initial(about));
    say(ref.count, difference(state, about));
  }

  draw() {
    const { ref, about, drawn } = this;
    this.stages.draw(about.baseline, drawn);
    this.totals.draw(about.baseline, drawn);
    this.breakdown.draw(about.baseline, drawn, this.measure);
    for (const each of ref.measures.querySelectorAll("button")) each.setAttribute("aria-pressed", each.value === this.measure);
    say(
      ref.breakdownNote,
      `From left: embedding, projections, attention, MLP. All bars are to one scale, in ${MEASURES[this.measure]}; shares are of the whole model.`,
    );
    const sentences = this.differences?.length
      ? this.differences.map((each) => each.sentence)
      : ["This is the baseline. Move a control, and the differences appear here."];
    ref.differences.replaceChildren(...sentences.map((text) => make("li", { text })));
    this.takeaway.draw();
  }

  destroy() {
    this.stop.abort();
    this.leave?.();
    this.watcher?.disconnect();
    this.runs?.destroy();
  }
}
