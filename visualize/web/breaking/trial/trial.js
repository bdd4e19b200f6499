// "Which explanation can be trusted?": maps of one answer by all methods, which are then put on trial.

import { drawTerm } from "../../explorer/terms.js";
import { make, say } from "../../shared/dom.js";
import { rove } from "../../shared/rove.js";
import { rich, terms } from "../../shared/terms.js";
import { firstName } from "../../words/explorer.js";
import { phrase } from "../../words/phrase.js";
import { examplesWords, methodName, tellsWords, trialWords } from "../../words/trial.js";
import { choice } from "../controls.js";
import { sized } from "../plot.js";
import { cards } from "./cards.js";
import { chart } from "./chart.js";
import { ofPicture, overExamples } from "./tables.js";
import { judgement, METHODS, QUICK, RANDOM, rowsOf, SLOW, sorted } from "./values.js";

/** @type {(root: HTMLElement, context: import("../experiments.js").Context) => import("../experiments.js").Experiment} */
export function mount(root, context) {
  const trial = new Trial(root, context);
  return { update: () => trial.update(), destroy: () => trial.destroy() };
}

const toggle = (name, key) => make("button", { type: "button", class: "cvt-toggle", "data-trial": name, text: phrase(key) });

class Trial {
  #label = ""; // of the class to explain
  #stage = 0; // counts from 1: of LeGrad and Grad-CAM
  #pick = /** @type {?string} */ (null); // a method
  #maps = /** @type {import("./values.js").Sent[]} */ ([]);
  #shares = /** @type {?number[]} */ (null); // of the picture, along the curves; null before the trial
  #count = 0; // of questions: only the newest answer counts

  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.classes = choice(
      phrase("trial_class"),
      () => this.#result.header.top.map(({ label }) => [label, firstName(label)]),
      () => this.#label,
      (label) => this.#ask({ label }),
    );
    this.stages = choice(
      phrase("trial_stage"),
      () => this.#result.stages.map((_, index) => [String(index + 1), String(index + 1)]),
      () => this.#stage,
      (stage) => this.#ask({ stage: Number(stage) }),
    );
    this.start = toggle("start", "trial_start");
    this.examples = toggle("examples", "trial_examples");
    const grid = make("div", { class: "cvt-trial-cards", role: "toolbar" });
    this.grid = grid;
    this.cards = cards(grid, METHODS);
    this.tells = make("p", { class: "cvt-trial-tells" });
    this.chart = make("figure", { class: "cvt-trial-chart" }, make("figcaption", {}), make("div", {}), make("p", { class: "cvt-sub" }));
    this.means = make("p", { class: "cvt-sub" });
    this.table = make("div", {});
    this.found = make("p", { "aria-live": "polite", tabindex: "-1" });
    this.over = make("div", {});
    root.replaceChildren(
      make("div", { class: "cvt-row" }, this.classes.element, this.stages.element),
      make("div", { class: "cvt-trial-start" }, this.start, this.tells),
      grid,
      this.table,
      this.means,
      this.chart,
      make("div", { class: "cvt-row" }, this.examples, make("span", { class: "cvt-sub", text: phrase("trial_examples_hint") })),
      this.found,
      this.over,
    );
    const { signal } = context;
    const hear = (element, type, listener) => element.addEventListener(type, listener, { signal });
    hear(this.start, "click", () => this.#judge());
    hear(this.examples, "click", () => this.#tryAll());
    hear(grid, "click", (event) => this.#choose(this.cards.methodOf(event)));
    for (const type of ["pointerover", "focusin"]) hear(grid, type, (event) => this.#describe(this.cards.methodOf(event)));
    hear(grid, "pointerleave", () => this.#describe(this.#pick));
    terms([root], (term, canvas) => drawTerm(canvas, term, context.shown()), signal);
    this.unsized = () => {};
    this.resized = new ResizeObserver(() => this.cards.paint());
    this.resized.observe(grid);
  }

  get #result() {
    return this.context.shown().result;
  }

  /** Another picture or model is shown. */
  update() {
    const { header, stages } = this.#result;
    say(this.found, "");
    this.over.replaceChildren();
    this.#pick = null;
    this.#ask({ label: header.top[0].label, stage: stages.length });
  }

  get #question() {
    return { label: this.#label, stage: this.#stage };
  }

  /** Asks for the maps of a class, those that take one pass first. */
  async #ask({ label = this.#label, stage = this.#stage }) {
    const mine = ++this.#count;
    [this.#label, this.#stage, this.#maps, this.#shares] = [label, stage, [], null];
    this.context.tell(phrase("trial_ask", { count: METHODS.length - 1, label: firstName(label) }));
    this.#draw();
    for (const methods of [QUICK, SLOW]) {
      const answer = await this.context.run("explain", { ...this.#question, methods, measures: [] });
      if (!answer || mine !== this.#count || this.context.signal.aborted) return;
      this.#maps = [...this.#maps, ...answer.maps];
      this.#draw();
    }
  }

  /** Rows that know whether their model has a cls token, by which a method is named. */
  #ofModel = (rows) => rows.map((row) => ({ ...row, cls: this.#result.last.cls }));

  async #judge() {
    const mine = ++this.#count;
    const answer = await this.context.run("explain", this.#question);
    if (!answer || mine !== this.#count || this.context.signal.aborted) return;
    [this.#maps, this.#shares] = [answer.maps, answer.shares];
    this.#draw();
  }

  async #tryAll() {
    const mine = ++this.#count;
    const stage = this.#stage;
    const found = await this.context.run("trial", { stage });
    if (!found || mine !== this.#count || this.context.signal.aborted) return;
    const answer = { ...found, rows: this.#ofModel(found.rows) };
    say(this.found, examplesWords(answer));
    this.over.replaceChildren(overExamples(phrase("trial_table_examples", { count: answer.pictures }), answer, stage));
  }

  #choose(method) {
    if (!method) return;
    this.#pick = method;
    this.#draw();
  }

  /** Says what a method can and cannot tell. */
  #describe(method) {
    const of = { cls: this.#result.last.cls, last: this.#result.stages.length };
    const row = { method: method ?? METHODS[0], stage: this.#stage, cls: of.cls };
    say(this.tells, phrase("trial_tells", { name: methodName(row), words: tellsWords(row, of) }));
  }

  #draw() {
    const rows = this.#ofModel(rowsOf(this.#maps));
    const label = firstName(this.#label);
    this.grid.setAttribute("aria-label", phrase("trial_maps", { label }));
    this.classes.reflect();
    this.stages.reflect();
    this.#describe(this.#pick);
    this.cards.draw(this.#result, rows, this.#stage, this.#pick);
    this.chart.hidden = this.table.hidden = this.means.hidden = !this.#shares;
    if (this.#shares) this.#drawTrial(this.#shares, sorted(rows), label);
    rove(this.root);
  }

  #drawTrial(shares, rows, label) {
    this.context.tell(trialWords(judgement(rows), this.#pick === RANDOM ? null : this.#pick));
    this.table.replaceChildren(ofPicture(phrase("trial_table", { label }), rows));
    rich(this.means, phrase("trial_means", { label }));
    const row = rows.find(({ method }) => method === this.#pick) ?? rows[0];
    const [title, drawing, legend] = this.chart.children;
    say(title, phrase("trial_curves", { name: methodName(row) }));
    say(legend, phrase("trial_legend", { label }));
    const random = rows.find(({ method }) => method === RANDOM) ?? null;
    this.unsized();
    this.unsized = sized(drawing, (width, size) => drawing.replaceChildren(chart({ width, size }, shares, row, random, label)));
  }

  destroy() {
    this.#count++;
    this.resized.disconnect();
    this.unsized();
  }
}
