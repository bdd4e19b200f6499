// One explorer: a picture and its panels, the result they show, the choices, and drawing once per frame.

import { ancestry } from "./ancestry.js";
import { announcer } from "./announcer.js";
import { attentionPanel } from "./attention_panel.js";
import { breadcrumb } from "./breadcrumb.js";
import { listen, mirror } from "./controls.js";
import { depth } from "./depth.js";
import { refs, say } from "../shared/dom.js";
import { featurePanel } from "./feature_panel.js";
import { insidePanel } from "./inside/panel.js";
import { LAYERS } from "./layers.js";
import { life } from "../shared/life.js";
import { rove } from "../shared/rove.js";
import { need } from "./need.js";
import { notice } from "./notice.js";
import { offer } from "../shared/offer.js";
import { partPanel } from "./part_panel.js";
import { picture } from "./picture.js";
import { pipeline } from "./pipeline.js";
import { questions } from "./questions.js";
import { openResult } from "./result.js";
import { asShown, carried, initial, raised, transferred, withChannel } from "./state.js";
import { spots } from "./spots.js";
import { takeaway } from "./takeaway.js";
import { terms } from "./terms.js";
import { turns } from "./turns.js";
import { verdict } from "./verdict.js";
import { classEvidence, featureMap } from "./views.js";
import { rich } from "../shared/terms.js";
import { phrase } from "../words/phrase.js";

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
  /** The headline and detail of what is drawn, with terms. */
  finding = { headline: "", detail: "" };
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
    this.announcer = announcer(this, this.ref, signal);
    this.notice = notice(this, this.ref);
    this.picture = picture(this, this.ref, signal);
    this.verdict = verdict(this, this.ref);
    this.spots = spots(this, this.ref.spots);
    this.depth = depth(this, this.ref);
    questions(this, this.ref.questions);
    this.ancestry = ancestry(this, this.ref, signal);
    this.attention = attentionPanel(this, this.ref, signal);
    this.featurePanel = featurePanel(this, this.ref, signal);
    this.inside = insidePanel(this, this.ref, signal);
    this.partPanel = partPanel(this, this.ref);
    this.crumbs = breadcrumb(this, this.ref);
    this.takeaway = takeaway(this, this.ref, signal);
    this.terms = terms(this, Object.values(this.roots), signal);
    this.watcher = new ResizeObserver(() => this.resize());
    [this.ref.frame, roots.panels].forEach((each) => this.watcher.observe(each)); // the picture's root may have no box
  }

  /**
   * Shows a result: { key, picture, note, notes, source, live }; only the key is required. `picture` identifies the picture, so that
   * a token keeps its place in it; `note` and `notes` are sentences, below the classes and below the picture. `live`: it is one of many,
   * of which nothing is said while it is on its way.
   */
  async load(value) {
    if (this.turns.late(value) || !value.key) return;
    this.awaited = value;
    if (value.key === this.key) {
      this.pictured = value.picture;
      this.#describe(value);
    }
    if (value.key === this.asked) return;
    this.asked = value.key;
    this.notice.stop();
    this.fetching?.abort();
    const { signal } = (this.fetching = new AbortController());
    if (!value.live) this.notice.say(phrase("loading_maps"), true);
    try {
      const result = await openResult(this.host.source, value.key, signal);
      if (signal.aborted || this.turns.overtaken(value)) return result.close();
      this.key = value.key;
      this.#describe(this.awaited); // not before: what is saved meanwhile is what is shown
      this.show(result, value.picture);
      this.notice.done(value.notes ?? []);
      this.notice.say("");
    } catch (error) {
      if (error.name === "AbortError" || signal.aborted || this.turns.overtaken(value)) return;
      this.asked = null;
      this.notice.trouble(error, () => this.load(value));
    }
  }

  /** Takes what is said of the result that is shown. */
  #describe(value) {
    this.value = value;
    say(this.ref.note, value.note ?? "");
  }

  /** A newer result is pending, so earlier ones wait. `newer`: it replaces another pending one; `quiet`: nothing is said. */
  hold(newer, quiet = false) {
    this.turns.hold();
    if (!quiet) this.notice.awaits(true, newer);
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
    this.ref["layer:class"].hidden = !LAYERS.class.there(result);
    this.ref["depth:inside"].hidden = !this.host.source.inside;
    if (this.state.depth === "inside" && !this.host.source.inside) this.state.depth = "none";
    this.verdict.build();
    this.resize();
    Object.values(this.roots).forEach((each) => each.setAttribute("data-ready", this.key));
    this.host.shown?.(this);
  }

  /** Toggles the evidence for a class. */
  choose(which) {
    if (!classEvidence(this.result, which)) return;
    const again = this.state.layer === "class" && this.state.which === which;
    this.set(again ? { layer: "attention" } : { which, layer: "class" });
  }

  /** Changes the choices; they are drawn in the next frame. */
  set(changes) {
    const before = this.state;
    if (!before) return;
    this.state = { ...before, ...changes };
    this.invalidate();
    this.host.chosen?.(this, before);
  }

  /** One level up, in the order of `raised`; whether there was one. */
  raise() {
    const [before, after] = [this.state, raised(this.state)];
    if (Object.keys(after).every((name) => after[name] === before[name])) return false;
    this.set(after);
    return true;
  }

  /** What is open beside the picture: the part, or a view of the stage's depth; "none" for the overview. */
  get open() {
    return this.state.part === "stage" ? this.state.depth : "part";
  }

  /** Brings the panels into view if a person would not see them, as on a phone. */
  reveal() {
    requestAnimationFrame(() => this.ref.headline.scrollIntoView({ block: "nearest" }));
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

  /** After another size of the elements. */
  resize() {
    this.measure();
    this.invalidate();
  }

  measure() {
    for (const root of Object.values(this.roots)) {
      const width = root.clientWidth;
      if (!width) continue; // on a tab that is not open
      root.dataset.size = width > 820 ? "wide" : width > 440 ? "medium" : "narrow";
    }
    if (!this.result) return;
    this.picture.resize();
    this.pipeline.resize();
    this.spots.resize();
    if (this.built !== null) {
      this.attention.resize();
      this.featurePanel.resize();
    }
  }

  draw() {
    const { state } = this;
    if (this.built !== state.stage) {
      this.built = state.stage;
      this.preview = this.previewed = null;
      this.attention.build();
      this.featurePanel.build();
    }
    need(this);
    this.depth.draw();
    mirror(this);
    this.ancestry.draw();
    this.picture.draw();
    this.pipeline.draw();
    this.verdict.draw();
    if (this.open === "none") this.spots.draw();
    if (this.open === "attention") this.attention.draw();
    if (this.open === "features") this.featurePanel.draw();
    this.partPanel.draw();
    this.words();
    this.inside.draw();
    this.crumbs.draw();
    this.takeaway.draw();
    this.terms.redraw();
    Object.values(this.roots).forEach(rove);
    this.drawn = this.result;
  }

  words() {
    const { result } = this;
    const state = asShown(this.state);
    const looked = this.previewed !== null;
    const layer = looked ? LAYERS.features : LAYERS[state.layer];
    const shown = looked ? withChannel(state, this.previewed) : state;
    this.sentence = layer.sentence(result, shown);
    this.finding = layer.finding(result, shown);
    rich(this.ref.headline, this.finding.headline);
    rich(this.ref.detail, this.finding.detail);
    say(this.ref.sentence, this.sentence);
    say(this.ref.legend, layer.legend(result, shown));
    this.announcer.tell(shown);
  }

  /** Removes all listeners, timers and drawing, and restores the elements. */
  destroy() {
    this.fetching?.abort();
    this.watcher.disconnect();
    cancelAnimationFrame(this.frame);
    this.notice.stop();
    this.result?.close();
    this.result = this.state = none;
    this.life.end();
  }
}
