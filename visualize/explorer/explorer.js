// One explorer: a picture and its panels, the result they show, what was chosen, and one drawing a frame.

import { attentionPanel } from "./attention_panel.js";
import { make, refs, say } from "./dom.js";
import { featurePanel } from "./feature_panel.js";
import { insidePanel } from "./inside_panel.js";
import { picture } from "./picture.js";
import { pipeline } from "./pipeline.js";
import { fetchResult, Gone } from "./result.js";
import { carried, initial } from "./state.js";
import { takeaway } from "./takeaway.js";
import { attentionWords, featureMap, featureWords, legendWords } from "./views.js";
import { percent } from "./words.js";

const QUIET = 600; // ms without a change before a screen reader is told
const FRAMES = 240; // durations kept for the statistics

export class Explorer {
  constructor(id, base) {
    Object.assign(this, { id, base, roots: {}, ref: {}, result: null, state: null, preview: null, previewed: null, frames: [], requests: 0 });
    this.stop = new AbortController();
  }

  /** Takes one of its two elements; starts when both are there. */
  attach(part, root) {
    this.roots[part] = root;
    if (!this.roots.picture || !this.roots.panels) return;
    const { signal } = this.stop;
    for (const each of Object.values(this.roots)) {
      Object.assign(this.ref, refs(each));
      this.listen(each, signal);
    }
    this.picture = picture(this, this.ref, signal);
    this.attention = attentionPanel(this, this.ref);
    this.featurePanel = featurePanel(this, this.ref, signal);
    this.inside = insidePanel(this, this.ref, signal);
    this.takeaway = takeaway(this, this.ref, signal);
    this.watcher = new ResizeObserver(() => this.resize());
    [this.ref.frame, this.roots.panels].forEach((each) => this.watcher.observe(each)); // the picture's root may have no box
    if (this.waiting) this.load(this.waiting);
  }

  /** The controls of the templates: data-set (one of several), data-toggle (yes or no), data-bind (inputs). */
  listen(root, signal) {
    root.addEventListener("click", (event) => {
      const button = event.target.closest("[data-set],[data-toggle]");
      if (!button || !this.state) return;
      const { set, value, toggle } = button.dataset;
      if (toggle) this.set({ [toggle]: !this.state[toggle] });
      else if (set === "zoom") this.set({ zoom: Number(value), focus: { y: this.state.y, x: this.state.x } });
      else this.set({ [set]: value });
    }, { signal });
    root.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const group = event.target.closest("[role=group]");
      if (!step || !group || event.target.tagName !== "BUTTON") return;
      const buttons = Array.from(group.querySelectorAll("button"));
      const next = buttons[buttons.indexOf(event.target) + step];
      next?.focus();
      next?.click();
    }, { signal });
    root.addEventListener("input", (event) => {
      const { bind } = event.target.dataset;
      if (!bind || !this.state) return;
      const { type, checked, value } = event.target;
      this.set({ [bind]: type === "checkbox" ? checked : type === "range" ? Number(value) : value });
    }, { signal });
  }

  /** Shows the result named by the value that Python set: { key, note, model, inside }; all but the key may be missing. */
  async load(value) {
    this.waiting = value;
    if (!this.picture || !value) return;
    say(this.ref.note, value.note ?? "");
    this.ref.note.hidden = !value.note;
    if (!value.key || value.key === this.asked) return;
    this.asked = value.key;
    this.fetching?.abort();
    const { signal } = (this.fetching = new AbortController());
    this.message("Loading the maps …", true);
    try {
      this.requests++;
      const result = await fetchResult(this.base, value.key, signal);
      if (signal.aborted) return;
      this.key = value.key;
      this.show(result);
      this.message("");
    } catch (error) {
      if (error.name === "AbortError" || signal.aborted) return;
      this.asked = null;
      const words = error instanceof Gone ? "The server no longer keeps this result. Choose the picture again." : error.message;
      this.message(words, false, () => this.load(value));
    }
  }

  show(result) {
    this.result = result;
    this.state = this.state ? carried(this.state, result.stages, result.input) : initial(result.stages, result.input);
    this.preview = this.previewed = null;
    this.pipeline = pipeline(this, this.ref.pipeline);
    this.classes();
    this.built = null;
    this.resize();
    Object.values(this.roots).forEach((each) => each.setAttribute("data-ready", this.key));
  }

  classes() {
    const best = this.result.header.top;
    this.ref.classes.replaceChildren(...best.map(({ label, probability }) =>
      make("div", { role: "listitem", class: "cvt-class" }, make("span", { text: label, title: label }),
        make("i", { style: `--share:${probability}` }), make("b", { text: percent(probability) }))));
  }

  message(words, busy = false, again = null) {
    const { message, frame } = this.ref;
    frame.setAttribute("aria-busy", busy);
    message.hidden = !words;
    message.replaceChildren(words);
    if (again) message.append(" ", make("button", { type: "button", class: "cvt-toggle", text: "Try again", onclick: again }));
  }

  /** Changes what was chosen; the drawing follows in the next frame. */
  set(changes) {
    if (!this.state) return;
    this.state = { ...this.state, ...changes };
    this.invalidate();
  }

  /** Looks at a channel for as long as the pointer is over it; null ends that. */
  look(channel) {
    this.previewed = channel;
    this.preview = null;
    if (channel !== null) {
      const channels = this.state.channels.map(() => channel);
      this.preview = featureMap(this.result, { ...this.state, channels }, this.state.stage, "channel");
    }
    this.invalidate();
  }

  invalidate() {
    if (this.frame || !this.result) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const start = performance.now();
      this.draw();
      this.frames.push(performance.now() - start);
      if (this.frames.length > FRAMES) this.frames.shift();
    });
  }

  resize() {
    for (const root of Object.values(this.roots)) {
      const width = root.clientWidth;
      if (!width) continue; // on a tab that is not open
      root.dataset.size = width > 820 ? "wide" : width > 520 ? "medium" : "narrow";
    }
    if (!this.result) return;
    this.picture.resize();
    this.pipeline.resize();
    if (this.built !== null) {
      this.attention.resize();
      this.featurePanel.resize();
    }
    this.invalidate();
  }

  draw() {
    const { state } = this;
    if (this.built !== state.stage) {
      this.built = state.stage;
      this.preview = this.previewed = null;
      this.attention.build();
      this.featurePanel.build();
    }
    this.need();
    this.controls();
    this.picture.draw();
    this.pipeline.draw();
    this.attention.draw();
    this.featurePanel.draw();
    this.words();
    this.inside.draw();
    this.takeaway.draw();
  }

  /** Fetches the chosen block where it did not travel with the rest: only models too large for one payload. */
  need() {
    const { result, state } = this;
    const block = state.blocks[state.stage];
    if (result.block(state.stage, block) || result.asked.has(`${state.stage}.${block}`)) return;
    this.requests++;
    this.message("Loading this block …", true);
    result.ask(state.stage, block).then(() => this.result === result && (this.message(""), this.invalidate()))
      .catch((error) => this.message(error.message, false, () => this.invalidate()));
  }

  controls() {
    for (const root of Object.values(this.roots)) {
      for (const each of root.querySelectorAll("[data-set]")) each.setAttribute("aria-pressed", String(this.state[each.dataset.set]) === each.dataset.value);
      for (const each of root.querySelectorAll("[data-bind]")) {
        const value = this.state[each.dataset.bind];
        if (each.type === "checkbox") each.checked = value;
        else if (each.value !== String(value)) each.value = value;
      }
    }
  }

  words() {
    const { result, state } = this;
    const shown = this.previewed !== null ? { ...state, features: "channel", channels: state.channels.map(() => this.previewed) } : state;
    const features = state.layer === "features" || this.previewed !== null;
    const sentence = features ? featureWords(result, shown, state.stage) : attentionWords(result, state, state.stage);
    say(this.ref.sentence, sentence);
    say(this.ref.legend, legendWords(result, features ? { ...state, layer: "features" } : state, state.stage));
    clearTimeout(this.telling);
    this.telling = setTimeout(() => say(this.ref.live, sentence), QUIET);
  }

  /** For tests and the curious: how long drawing takes, and how often the server was asked. */
  stats() {
    const sorted = [...this.frames].sort((a, b) => a - b);
    return { frames: sorted.length, median: sorted[sorted.length >> 1] ?? 0, slowest: sorted.at(-1) ?? 0, requests: this.requests };
  }

  destroy() {
    this.stop.abort();
    this.fetching?.abort();
    this.watcher?.disconnect();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.telling);
  }
}
