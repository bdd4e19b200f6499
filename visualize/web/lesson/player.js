// Plays a lesson: each step sets the page, points, asks, reveals, and asks what was seen. It owns page.state.lesson.

import { MAIN, page, updateEach } from "../shared/page.js";
import { drawTerm } from "../explorer/terms.js";
import { opening } from "../share/opening.js";
import { terms } from "../shared/terms.js";
import { phrase } from "../words/phrase.js";
import { contextOf, drawn, until } from "./context.js";
import { withNumbers } from "./last.js";
import { panel } from "./panel.js";
import { point } from "./points.js";
import { keep, progressOf } from "./progress.js";
import { question } from "./question.js";
import { veil, veiled } from "./veil.js";

export class Player {
  #turn = new AbortController(); // of the step that is open
  #questions = /** @type {import("./asks/asks.js").Mounted[]} */ ([]);
  #done = /** @type {number[]} */ ([]); // steps that were seen
  #key = ""; // of the result that was asked about

  /**
   * @param {HTMLElement} root holds the template
   * @param {string} server the address below which the page's server answers
   * @param {ReturnType<typeof import("../shared/life.js").life>} life
   * @param {(finished: boolean) => void} closed is called after a lesson was left
   */
  constructor(root, server, life, closed) {
    this.server = server;
    this.closed = closed;
    const { signal } = life;
    this.panel = panel(root, signal, { back: () => this.go(-1), next: () => this.go(1), leave: () => this.leave() });
    this.opening = opening(`${server}laboratory/`, life, (notices) => notices.length && this.#problem(notices.join(" ")));
    terms([root], (term, canvas) => drawTerm(canvas, term, page.state.view[MAIN]), signal);
    document.addEventListener("keydown", (event) => this.#escape(event), { signal });
    const leave = page.subscribe((now, before) => {
      if (now.picture !== before.picture) this.#pictured();
    });
    signal.addEventListener("abort", leave);
  }

  /**
   * Begins a lesson at a step, from 1, by default where it was left. `link`: its name in a link; null for a file of one's own.
   * @param {any} lesson
   * @param {?string} link
   * @param {number} [step]
   */
  begin(lesson, link, step) {
    const { done, answers, step: left } = progressOf(lesson);
    const finished = done.length === lesson.steps.length;
    this.#done = done;
    page.update({ lesson: { lesson, link, step: 1, phase: "ask", answers, problem: "" } });
    this.#enter(Math.min(Math.max(1, step ?? (finished ? 1 : left)), lesson.steps.length));
  }

  /** To the step before or after. After the last one the lesson is finished. */
  go(by) {
    const { lesson, step } = this.#now;
    if (step + by > lesson.steps.length) this.leave(true);
    else if (step + by >= 1) this.#enter(step + by);
  }

  /** Ends it; the page stays as it stands. */
  leave(finished = false) {
    this.#end();
    veil([]);
    this.panel.close();
    page.update({ lesson: null });
    this.closed(finished);
  }

  get #now() {
    return /** @type {any} */ (page.state.lesson);
  }

  get #step() {
    const { lesson, step } = this.#now;
    return lesson.steps[step - 1];
  }

  #set(changes) {
    page.update({ lesson: { ...this.#now, ...changes } });
    const { lesson, step, answers } = this.#now;
    keep(lesson, { step, done: this.#done, answers });
  }

  #problem(sentence) {
    if (!this.#now) return;
    this.#set({ problem: sentence });
    this.panel.problem(sentence);
  }

  #end() {
    this.#turn.abort();
    this.opening.stop();
    this.#questions.forEach((each) => each.destroy());
    this.#questions = [];
  }

  #enter(step) {
    this.#set({ step });
    this.panel.step(this.#now.lesson, step, this.#done);
    this.#begin(this.#step.view);
  }

  /** Asks the open step again, of what is shown. */
  #anew() {
    this.panel.clear();
    this.#begin();
  }

  /** Sets the page, and asks the step's prediction, of the page as it stands then. */
  async #begin(view = "") {
    this.#end();
    const { signal } = (this.#turn = new AbortController());
    this.#set({ phase: "ask", problem: "" });
    const { ask } = this.#step;
    veil(veiled(this.#step));
    try {
      await this.#show(view, signal);
      this.#point(signal);
      if (!ask || !(await this.#ask("ask", ask, signal))) await this.#proceed("ask", signal);
    } catch (error) {
      if (!signal.aborted && error.name !== "AbortError") this.#problem(error.message);
    }
  }

  /** Sets the page as a link's text says, once the picture is drawn. */
  async #show(text, signal) {
    await until(drawn, signal);
    if (text) await this.#apply(text, signal);
    this.#key = page.state.picture?.key ?? "";
  }

  async #apply(text, signal) {
    this.#key = ""; // the picture may change, and that is the lesson's own doing
    const { result, state } = /** @type {any} */ (page.state.view[MAIN]);
    const { applied } = await this.opening.open(withNumbers(text, result.stages, state.stage + 1));
    await applied;
    await until(drawn, signal); // another picture, perhaps
  }

  /** Whether it could be asked. */
  async #ask(name, ask, signal) {
    const context = contextOf(this.server, signal);
    const asked = await question(this.panel.slot(name), ask, context, {
      answered: async (answer, truth) => {
        const id = `${this.#now.step}.${name}`;
        const { answers } = this.#now;
        if (!(id in answers)) this.#set({ answers: { ...answers, [id]: answer } }); // the first is the prediction
        await this.#proceed(name, signal, truth.show);
      },
      passed: () => this.#proceed(name, signal),
      working: (busy) => this.panel.status(busy ? phrase("lesson_running") : "", busy),
      failed: (sentence) => this.#problem(sentence),
      onward: (result, held) => this.panel.onward(result, held, this.#now.phase === "shown"),
    });
    if (asked) this.#questions.push(asked);
    return Boolean(asked);
  }

  /** After a question: what it hid is shown, and the next one asked. */
  async #proceed(name, signal, changes = /** @type {object | undefined} */ (undefined)) {
    if (signal.aborted) return;
    const { show, after } = this.#step;
    veil([]);
    if (name === "ask") {
      this.#set({ phase: "shown", problem: "" });
      await this.#show(show, signal);
      this.#point(signal); // what was hidden has another size, perhaps
    }
    const view = page.state.view[MAIN];
    if (changes && view) updateEach("view", { [MAIN]: { ...view, state: { ...view.state, ...changes } } });
    if (name === "ask" && after && (await this.#ask("after", after, signal))) return;
    if (signal.aborted) return;
    if (!this.#done.includes(this.#now.step)) this.#done = [...this.#done, this.#now.step];
    this.#set({ phase: "seen" });
    this.panel.seen();
  }

  #point(signal) {
    if (this.#step.point) point(this.#step.point, this.panel.covered, signal);
  }

  /** Another picture or model: a prediction that is not made yet is asked of that one, and one that is made can be asked anew. */
  #pictured() {
    if (!this.#now || !this.#key || page.state.picture?.key === this.#key) return;
    this.#end();
    if (this.#now.phase === "ask") this.#anew();
    else if (this.#step.ask) this.panel.offer(phrase("lesson_anew"), () => this.#anew());
  }

  /** Escape leaves the lesson, where nothing else takes it. */
  #escape(event) {
    if (event.key !== "Escape" || event.defaultPrevented || !this.#now) return;
    if (event.target.closest?.("dialog, select") || document.querySelector("dialog[open], :popover-open")) return;
    this.leave();
  }

  destroy() {
    this.#end();
    veil([]);
    page.update({ lesson: null });
  }
}
