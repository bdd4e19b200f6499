// "What happens without a part?": switches on the model's diagram, and what each part is worth to the class.

import { drawTerm } from "../../explorer/terms.js";
import { CHOICES } from "../../choices.js";
import { make } from "../../shared/dom.js";
import { page } from "../../shared/page.js";
import { rove } from "../../shared/rove.js";
import { rich, terms } from "../../shared/terms.js";
import { firstName } from "../../words/explorer.js";
import { bestWords, changeWords, knockWords, logitWords, mostWords, scaleWords, switchWords } from "../../words/knock.js";
import { phrase } from "../../words/phrase.js";
import { diagram, drawScale, upAndDown } from "./diagram.js";
import { keep } from "./made.js";
import { canBe, idOf, interventions, isOff, lossesOf, most, named, offOf, offText, STEPS, switched, WAYS } from "./parts.js";

const QUIET = 120; // ms without a change before the model runs
const MEANS = { zero: "knock_means_zero", mean: "knock_means_mean", examples: "knock_means_examples", uniform: "knock_means_uniform" };

/** @type {(root: HTMLElement, context: import("../experiments.js").Context) => import("../experiments.js").Experiment} */
export function mount(root, context) {
  const knock = new Knock(root, context);
  return { update: () => knock.update(), destroy: () => knock.destroy() };
}

class Knock {
  #off = new Map(); // parts by their ids
  #how = WAYS[0];
  #answered = { off: new Map(), how: WAYS[0] }; // of the result that is shown
  #seen = null; // the result before
  #guessing = false;
  #guess = /** @type {?string} */ (null); // a part's id
  #losses = new Map(); // by the parts' ids, once they were measured
  #own = false; // whether a person switched something here: then another picture starts with all on
  #count = 0; // of questions: only the newest answer counts
  #timer = 0;

  constructor(root, context) {
    this.root = root;
    this.context = context;
    this.ways = make("div", { class: "cvt-choice", role: "group", "aria-label": phrase("knock_replaced") });
    this.ways.append(...WAYS.map((how) => make("button", { type: "button", "data-how": how, text: CHOICES.how.values[how] })));
    const own = (name, key) => make("button", { type: "button", class: "cvt-toggle", "data-knock": name, text: phrase(key) });
    this.allOn = own("all-on", "knock_all_on");
    this.matters = own("matters", "knock_matters");
    this.noGuess = own("no-guess", "knock_no_guess");
    this.back = own("back", "knock_back");
    this.means = make("p", { class: "cvt-sub" });
    this.model = make("div", { class: "cvt-knock" });
    this.scale = make("div", { class: "cvt-knock-scale" });
    this.detail = make("p", { class: "cvt-sub cvt-knock-detail" });
    this.note = make("p", { class: "cvt-sub", "aria-live": "polite" });
    this.legend = make("p", { class: "cvt-sub" });
    root.replaceChildren(
      make("div", { class: "cvt-row" }, make("span", { text: phrase("knock_replaced") }), this.ways),
      this.means,
      make("div", { class: "cvt-row" }, this.allOn, this.matters, this.noGuess, this.back),
      make(
        "div",
        { class: "cvt-knock-both" },
        this.model,
        make("div", { class: "cvt-knock-beside" }, this.legend, this.detail, this.scale, this.note),
      ),
    );
    const { signal } = context;
    const hear = (element, type, listener) => element.addEventListener(type, listener, { signal });
    hear(this.ways, "click", ({ target }) => target.dataset.how && this.#replace(target.dataset.how));
    hear(this.allOn, "click", () => this.#off.size && !this.#guessing && this.#switch(new Map()));
    hear(this.matters, "click", () => this.#ask(true));
    hear(this.noGuess, "click", () => this.#measure(null));
    hear(this.back, "click", () => this.#ask(false));
    // both are hidden now, and the focus must not be lost
    for (const each of [this.noGuess, this.back]) hear(each, "click", () => this.matters.focus());
    hear(this.model, "click", (event) => this.#press(this.diagram?.partOf(event)));
    for (const type of ["pointerover", "focusin"]) hear(this.model, type, (event) => this.#describe(this.diagram?.partOf(event)));
    hear(this.model, "keydown", upAndDown);
    const leave = page.subscribe((now, before) => (now.off !== before.off || now.how !== before.how) && this.#follow());
    signal.addEventListener("abort", leave);
    terms([root], (term, canvas) => drawTerm(canvas, term, context.shown()), signal);
  }

  /**
   * Another picture or model is shown: what a link switched off stays so, what a person did is on again, and nothing was measured. The
   * same: what is shown after is gone.
   */
  update() {
    if (this.#seen === this.#result) return this.#switch(this.#off);
    this.#seen = this.#result;
    this.diagram = diagram(this.model, this.#result.stages);
    rich(this.legend, [this.diagram.convs && phrase("knock_legend_conv"), phrase("knock_legend")].filter(Boolean).join(" "));
    this.#own ? this.#restart(new Map(), this.#how) : this.#take();
  }

  /** What a link, or a lesson, says to be off. */
  #take() {
    const { off, how } = page.state;
    const parts = offOf(off, this.#result.stages) ?? new Map();
    this.#restart(parts, [...parts.values()].every((part) => canBe(part, how)) ? how : WAYS[0]);
  }

  /** Another part of the page has changed what is off. */
  #follow() {
    if (this.#seen && (page.state.off !== offText(this.#off) || page.state.how !== this.#how)) this.#take();
  }

  #restart(off, how) {
    this.#own = this.#guessing = false;
    this.#how = how;
    this.#forget();
    this.#switch(off);
  }

  get #result() {
    return this.context.shown().result;
  }

  /** The class before: { label, probability }. */
  get #first() {
    return this.#result.header.top[0];
  }

  #forget() {
    this.#losses = new Map();
    this.#guess = null;
    rich(this.note, "");
  }

  #press(part) {
    if (!part) return;
    if (this.#guessing) {
      if (part.part === "head") this.#measure(idOf(part));
    } else if (canBe(part, this.#how)) {
      this.#own = true;
      this.#switch(switched(this.#off, part));
    }
    this.#describe(part);
  }

  #replace(how) {
    if (how === this.#how || this.#cannot(how)) return;
    this.#how = how;
    this.#forget();
    this.#switch(this.#off);
  }

  /** Whether something is off that cannot be replaced in this way. */
  #cannot = (how) => [...this.#off.values()].some((part) => !canBe(part, how));

  #switch(off) {
    this.#off = off;
    this.#count++;
    if (!this.#losses.size) this.#guess = null; // the measuring ends
    clearTimeout(this.#timer);
    if (off.size) this.#timer = window.setTimeout(() => this.#run(), QUIET);
    else this.#unchanged();
    this.#draw();
  }

  #unchanged() {
    this.#answered = { off: this.#off, how: this.#how };
    this.context.showAfter(null);
    this.context.tell(phrase("knock_hint"));
    rich(this.note, "");
  }

  async #run() {
    const [mine, off, how] = [this.#count, this.#off, this.#how];
    const answer = await this.context.run("knock_out", { interventions: interventions(off, how) });
    if (mine !== this.#count || this.context.signal.aborted) return;
    if (!answer) {
      this.#off = this.#answered.off; // cancelled or refused: as it is shown
      this.#how = this.#answered.how;
      return this.#draw();
    }
    this.#answered = { off, how };
    const parts = named(off);
    const { label, before, after } = answer;
    keep(this.#result.key, { out: { off: offText(off), how, answer: { label, before, after } } });
    this.context.showAfter(answer.value, changeWords(parts, how));
    this.context.tell(knockWords(parts, how, answer));
    rich(this.note, logitWords(answer));
  }

  /** Asks for a guess before anything is measured, or leaves it. */
  #ask(guessing) {
    this.#guessing = guessing;
    if (guessing) {
      this.#forget();
      this.#switch(new Map());
      this.context.tell(phrase("knock_guess", { label: firstName(this.#first.label) }));
      this.model.querySelector("[data-kind=head]")?.focus();
    } else this.#switch(this.#off);
    this.#draw();
  }

  async #measure(guess) {
    const mine = ++this.#count;
    this.#guess = guess;
    this.#guessing = false;
    this.#draw();
    rich(this.note, phrase("knock_measuring"));
    const answer = await this.context.run("importance", { how: this.#how });
    if (mine !== this.#count || this.context.signal.aborted) return;
    if (!answer) {
      this.#forget();
      return this.#switch(this.#off);
    }
    keep(this.#result.key, { importance: answer });
    const losses = lossesOf(answer);
    this.#losses = new Map(losses.map((each) => [idOf(each.part), each]));
    const best = most(losses, ({ part }) => part === "head");
    this.context.tell(bestWords(answer.label, best, (guess && this.#losses.get(guess)) ?? null));
    rich(this.note, `${mostWords(answer.logit, most(losses))} ${phrase("knock_alone")}`);
    drawScale(this.scale, phrase("knock_scale", { label: firstName(answer.label) }), scaleWords(STEPS));
    this.#draw();
  }

  #describe(part) {
    if (part) rich(this.detail, this.#words(part));
  }

  #words(part) {
    const text = switchWords(part, isOff(this.#off, part), this.#losses.get(idOf(part)), this.#first.probability);
    return idOf(part) === this.#guess ? `${text} ${phrase("knock_your_guess")}` : text;
  }

  #draw() {
    page.update({ off: offText(this.#off), how: this.#how });
    for (const each of this.ways.children) {
      each.setAttribute("aria-pressed", String(each.dataset.how === this.#how));
      each.setAttribute("aria-disabled", String(this.#guessing || this.#cannot(each.dataset.how)));
    }
    rich(this.means, phrase(MEANS[this.#how]));
    this.allOn.setAttribute("aria-disabled", String(!this.#off.size || this.#guessing));
    this.matters.hidden = this.#guessing;
    this.noGuess.hidden = this.back.hidden = !this.#guessing;
    this.scale.hidden = !this.#losses.size;
    this.diagram?.draw({
      isOff: (part) => isOff(this.#off, part),
      isFixed: (part) => (this.#guessing ? part.part !== "head" : !canBe(part, this.#how)),
      words: (part) => this.#words(part),
      guess: this.#guess,
      losses: this.#losses,
    });
    rove(this.root);
  }

  destroy() {
    clearTimeout(this.#timer);
    this.#count++;
    page.update({ off: CHOICES.off.default, how: WAYS[0] });
  }
}
