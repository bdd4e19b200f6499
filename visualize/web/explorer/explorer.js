// One explorer: a picture and its panels, the result they show, the choices, and drawing once per frame.

import { ancestry } from "./ancestry.js";
import { attentionPanel } from "./attention_panel.js";
import { breadcrumb } from "./breadcrumb.js";
import { listen, mirror } from "./controls.js";
import { make, refs, say } from "../shared/dom.js";
import { featurePanel } from "./feature_panel.js";
import { insidePanel } from "./inside_panel.js";
import { LAYERS } from "./layers.js";
import { life } from "../shared/life.js";
import { notice } from "./notice.js";
import { offer } from "../shared/offer.js";
import { partPanel } from "./part_panel.js";
import { picture } from "./picture.js";
import { pipeline } from "./pipeline.js";
import { openResult } from "./result.js";
import { asShown, carried, initial, raised, transferred, withChannel } from "./state.js";
import { takeaway } from "./takeaway.js";
import { turns } from "./turns.js";
import { classEvidence, featureMap } from "./views.js";
import { percent } from "../words/format.js";
import { firstName } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";

const QUIET = 600; // ms without a change before it is announced to screen readers
const FRAMES = 240; // drawing times that are kept

/** @type {any} */
const none = null;

export class Explorer {
  /** The drawn result, the choices, and the pipeline; null until there is a result. */
  result = /** @type {import("./result.js").Result} */ (none);
  state = /** @type {import("./state.js").Choices} */ (none);
  pipeline = /** @type {ReturnType<typeof pipeline>} */ (none);
  /** The channel under the pointer, and its map. */
  preview = /** @type {any} */ (null);
  previewed = /** @type {number | null} */ (null);
  frames = /** @type {number[]} */ ([]);
  ref = /** @type {Object<string, any>} */ ({});

  /**
   * @param {{ picture: HTMLElement, panels: HTMLElement }} roots elements that hold the templates
   * @param {import("./mount.js").Host} host
   */
  constructor(roots, host) {
    this.host = host;
    this.roots = roots;
    this.life = life(roots.picture, roots.panels);
    const { signal } = this.life;
    for (const each of Object.values(this.roots)) {
      offer(each);
      Object.assign(this.ref, refs(each));
      listen(this, each, signal);
    }
    this.turns = turns(this);
    this.notice = notice(this, this.ref);
    this.picture = picture(this, this.ref, signal);
    this.ancestry = ancestry(this, this.ref, signal);
    this.attention = attentionPanel(this, this.ref, signal);
    this.featurePanel = featurePanel(this, this.ref, signal);
    this.inside = insidePanel(this, this.ref, signal);
    this.partPanel = partPanel(this, this.ref);
    this.crumbs = breadcrumb(this, this.ref, signal);
    this.takeaway = takeaway(this, this.ref, signal);
    this.watcher = new ResizeObserver(() => this.resize());
    [this.ref.frame, roots.panels].forEach((each) => this.watcher.observe(each)); // the picture's root may have no box
  }

  /**
   * Shows a result: { key, picture, note, notes, source }; only the key is required. `picture` identifies the picture, so that
   * a token keeps its place in it; `note` and `notes` are sentences, below the classes and below the picture.
   */
  async load(value) {
    if (this.turns.late(value)) return;
    this.value = value;
    say(this.ref.note, value.note ?? "");
    this.ref.note.hidden = !value.note;
    if (value.key === this.key) this.pictured = value.picture;
    if (!value.key || value.key === this.asked) return;
    this.asked = value.key;
    this.notice.stop();
    this.fetching?.abort();
    const { signal } = (this.fetching = new AbortController());
    this.notice.say(phrase("loading_maps"), true);
    try {
      const result = await openResult(this.host.source, value.key, signal);
      if (signal.aborted || this.turns.overtaken(value)) return result.close();
      this.key = value.key;
      this.show(result, value.picture);
      this.notice.done(value.notes ?? []);
      this.notice.say("");
    } catch (error) {
      if (error.name === "AbortError" || signal.aborted || this.turns.overtaken(value)) return;
      this.asked = null;
      this.notice.trouble(error, () => this.load(value));
    }
  }

  /** A newer result is pending, so earlier ones wait. `newer`: it replaces another pending one. */
  hold(newer) {
    this.turns.hold();
    this.notice.awaits(true, newer);
  }

  /** No newer result is pending any more. */
  release() {
    this.turns.release();
    this.notice.awaits(false);
  }

  /** Draws this result; if the picture is the same, the token keeps its place in it. */
  show(result, picture) {
    const { state } = this;
    this.state = state ? carried(state, result.stages, result.input, this.result.stages) : initial(result.stages, result.input);
    if (state && picture && picture === this.pictured) Object.assign(this.state, transferred(state, this.result, result));
    if (!LAYERS[this.state.layer].there(result)) this.state.layer = "attention";
    this.pictured = picture;
    const alike = this.result?.structure === result.structure;
    this.result?.close();
    this.result = result;
    this.preview = this.previewed = null;
    if (!alike) this.pipeline = pipeline(this, this.ref.pipeline);
    if (!alike) this.built = null;
    else if (this.built !== null) this.featurePanel.build();
    this.classes();
    this.resize();
    Object.values(this.roots).forEach((each) => each.setAttribute("data-ready", this.key));
    this.host.shown?.(this);
  }

  classes() {
    const best = this.result.header.top;
    this.ref["layer:class"].hidden = !LAYERS.class.there(this.result);
    this.ref.classes.replaceChildren(
      ...best.map(({ label, probability }, which) =>
        make(
          "button",
          { type: "button", class: "cvt-class", "data-which": which, title: label, onclick: () => this.choose(which) },
          make("span", { text: firstName(label) }),
          make("i", { style: `--share:${probability}` }),
          make("b", { text: percent(probability) }),
        ),
      ),
    );
  }

  /** Toggles the evidence for a class. */
  choose(which) {
    if (!classEvidence(this.result, which)) return;
    const again = this.state.layer === "class" && this.state.which === which;
    this.set(again ? { layer: "attention" } : { which, layer: "class", sort: "region" });
  }

  /** Changes the choices; they are drawn in the next frame. */
  set(changes) {
    const before = this.state;
    if (!before) return;
    this.state = { ...before, ...changes };
    this.invalidate();
    this.host.chosen?.(this, before);
  }

  /** One level up: closes what was opened last, then releases the token. */
  raise() {
    if (!this.inside.close()) this.set(raised(this.state));
  }

  /** Shows a channel while the pointer is over it; null ends that. */
  look(channel) {
    this.previewed = channel;
    this.preview = channel === null ? null : featureMap(this.result, withChannel(this.state, channel), this.state.stage);
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
    mirror(this);
    this.ancestry.draw();
    this.picture.draw();
    this.pipeline.draw();
    if (state.part === "stage") {
      this.attention.draw();
      this.featurePanel.draw();
    }
    this.partPanel.draw();
    this.words();
    this.inside.draw();
    this.crumbs.draw();
    this.takeaway.draw();
    this.drawn = this.result;
  }

  /** Fetches the chosen block if the payload lacks it, as for large models. */
  need() {
    const { result, state } = this;
    const block = state.blocks[state.stage];
    const id = `${state.stage}.${block}`;
    if (result.block(state.stage, block) || result.asked.has(id) || result.failed.has(id)) return;
    this.notice.say(phrase("loading_block"), true);
    const mine = (then) => (outcome) => this.result === result && then(outcome);
    const again = () => {
      result.failed.delete(id);
      this.invalidate();
    };
    result
      .ask(state.stage, block)
      .then(mine(() => this.notice.say("")))
      .catch(mine((error) => this.notice.trouble(error, again)))
      .finally(mine(() => this.invalidate()));
  }

  words() {
    const { result } = this;
    const state = asShown(this.state);
    const looked = this.previewed !== null;
    const layer = looked ? LAYERS.features : LAYERS[state.layer];
    const shown = looked ? withChannel(state, this.previewed) : state;
    const sentence = layer.sentence(result, shown);
    this.sentence = sentence;
    say(this.ref.sentence, sentence);
    say(this.ref.caption, sentence);
    say(this.ref.legend, layer.legend(result, shown));
    clearTimeout(this.telling);
    this.telling = setTimeout(() => say(this.ref.live, sentence), QUIET);
  }

  /** Removes all listeners, timers and drawing, and restores the elements. */
  destroy() {
    this.fetching?.abort();
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    this.notice.stop();
    clearTimeout(this.telling);
    this.result?.close();
    this.result = this.state = none;
    this.life.end();
  }
}
