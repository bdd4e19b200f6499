// The laboratory: an architecture changed by controls, the server's description of it, and the run that follows.

import { make, refs, say } from "../shared/dom.js";
import { life } from "../shared/life.js";
import { offer } from "../shared/offer.js";
import { page } from "../shared/page.js";
import { alike, changedStages, initial, question, remedied } from "./architecture.js";
import { otherResults, showStage, shownStage } from "./explorers.js";
import { ask, newest } from "../shared/http.js";
import { runs } from "./runs.js";
import { compared, sides } from "./sides.js";
import { stageView } from "./stage.js";
import { takeaway } from "./takeaway.js";
import { trained } from "./trained.js";
import { breakdown, totals } from "./totals.js";
import { whole } from "./whole.js";
import { runFinding } from "../words/findings.js";
import { sentences } from "../words/format.js";
import { baselineWords, costChanges, costWords, remedyWords } from "../words/laboratory.js";
import { phrase } from "../words/phrase.js";
import { trainedFinding } from "../words/trained.js";

/** @type {any} */
const none = null;

export class Laboratory {
  /** The server's description of the baseline, the current architecture, and the drawn one; null until the server answers. */
  about = none;
  state = none;
  drawn = none;
  /** The trained ablation that is shown instead of the architecture, with its baseline; null while there is none. */
  ablation = /** @type {?import("./trained.js").Ablation} */ (null);
  /** The state or the ablation that the variant's picture shows, and how far its weights are trained. */
  ran = none;
  stage = 0; // the open one
  whole = /** @type {ReturnType<typeof whole>} */ (none);
  view = /** @type {ReturnType<typeof stageView>} */ (none);
  sides = /** @type {ReturnType<typeof sides>} */ (none);
  totals = /** @type {ReturnType<typeof totals>} */ (none);
  breakdown = /** @type {ReturnType<typeof breakdown>} */ (none);
  takeaway = /** @type {ReturnType<typeof takeaway>} */ (none);
  trained = /** @type {ReturnType<typeof trained>} */ (none);
  runs = /** @type {ReturnType<typeof runs>} */ (none);

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

  /** Fetches the controls for the model with this name, and starts at its architecture. */
  async open(model = null) {
    try {
      const about = await ask(`${this.base}about`, { model }, this.life.signal);
      if (!this.life.signal.aborted) this.begin(about);
    } catch (error) {
      if (error.name !== "AbortError") this.problem(error.message);
    }
  }

  begin(about) {
    this.about = about;
    this.model = about.model;
    this.state = initial(about);
    this.drawn = about.baseline;
    this.ran = { state: this.state, trained: "same" };
    this.stage = Math.min(shownStage(1), about.base.stages.length - 1);
    if (!this.runs) this.connect();
    this.whole.build();
    this.view.build();
    this.draw([]);
    this.root.setAttribute("data-ready", this.model);
    if (!this.restore()) this.change(this.state);
    this.follow(); // in case another was shown while waiting for the server
  }

  connect() {
    const { ref, life } = this;
    this.whole = whole(this, ref, life);
    this.view = stageView(this, ref.tabs, ref.stage);
    this.sides = sides(this, ref, life);
    this.totals = totals(ref.totals);
    this.breakdown = breakdown(this, ref, life);
    this.runs = runs(this, ref, life);
    this.takeaway = takeaway(this, ref, life);
    this.trained = trained(this, ref, life);
    this.trained.fetched().catch(() => {}); // a failure is told when an ablation is asked for
    const leave = page.subscribe((now, before) => {
      if (now.model !== before.model) this.follow();
      if (now.linked !== before.linked || now.wanted !== before.wanted) this.restore();
      if (now.running !== before.running) this.tell();
      if (now.view !== before.view) this.explored(otherResults(now.view, before.view));
    });
    const tall = () => ref.head.offsetHeight || ref.finding.offsetHeight; // on a phone, only the finding stays in view
    const watcher = new ResizeObserver(() => this.root.style.setProperty("--cvt-head-height", `${tall()}px`));
    [ref.head, ref.finding].forEach((each) => watcher.observe(each));
    life.signal.addEventListener("abort", () => {
      leave();
      watcher.disconnect();
      page.update({ architecture: null });
    });
  }

  /** Starts from what a link or another part of the page wants, once; whether there was any. */
  restore() {
    const { linked, wanted } = page.state;
    const preset = this.about.presets.find((each) => each.name === wanted?.preset);
    if (wanted) page.update({ wanted: null });
    if (linked?.model === this.model) page.update({ linked: null });
    if (preset) this.start(preset);
    else if (linked?.model === this.model) this.change({ ...this.state, ...linked.architecture }, null, (linked.stage ?? 0) - 1);
    else if (!wanted?.ablation) return false;
    else if (page.state.architecture?.about !== this.about) this.change(this.state);
    if (wanted?.ablation) this.trainedWithout(wanted.ablation);
    return true;
  }

  /** Follows the page's choice of a model: its architecture becomes the baseline. */
  follow() {
    const { model } = page.state;
    if (model && model !== this.model) this.open(model);
  }

  /** What is run and drawn: the ablation, or else the architecture. */
  get target() {
    return this.ablation ?? this.state;
  }

  /** The costs of both sides. */
  get pair() {
    return this.ablation ? [this.ablation.baseline, this.ablation.variant] : [this.about.baseline, this.drawn];
  }

  /** Shows a member of the trained family beside the family's baseline; null: one's own architecture again. */
  async trainedWithout(name) {
    if (!name) return this.change(this.state);
    page.update({ ablation: name });
    let ablation;
    try {
      ablation = await this.trained.find(name);
    } catch (error) {
      if (error.name !== "AbortError") this.problem(error.message);
      return;
    }
    if (page.state.ablation !== name) return; // something else was chosen meanwhile
    this.ablation = ablation;
    page.update({ ran: null });
    this.problem("");
    this.trained.reflect();
    this.runs.changed();
    this.runs.ask();
    this.draw([]);
  }

  /** Starts from a preset: its stages and its input size. */
  start({ stages, side }) {
    this.trained.list(false);
    this.change({ ...this.state, stages: stages.map((stage) => ({ ...stage })), side });
  }

  /**
   * Sets the state; the controls update at once, the drawing when the server answers. `moved`: the changed control. Opens the stage `open`
   * or, if that is below 0, one that changed.
   */
  async change(state, moved = null, open = -1) {
    const changed = changedStages(this.state, state);
    const stays = !changed.length || changed.includes(this.stage);
    const stage = open >= 0 ? open : stays ? this.stage : changed[0];
    this.state = state;
    this.ablation = null;
    page.update({ architecture: { state, about: this.about }, ablation: null });
    this.runs.changed();
    this.show(Math.min(stage, state.stages.length - 1), !moved); // its controls may lack a value that was not chosen with them
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
    if (!found.variant) return;
    this.drawn = found.variant; // architectures that are too large for the server still have costs
    if (!found.problem) this.runs.ask();
    this.draw(found.differences);
  }

  /** Shows the problem, and offers a remedy: one setting, or several together. The last drawing stays. */
  problem(sentence, remedy = null, together = []) {
    const { problem } = this.ref;
    problem.hidden = !sentence;
    problem.replaceChildren(sentence);
    const changes = remedy ? [remedy] : together;
    if (!changes.length) return;
    const use = () => this.change(remedied(this.state, changes, this.about));
    problem.append(" ", make("button", { type: "button", class: "cvt-toggle", text: remedyWords(remedy), onclick: use }));
  }

  /** Opens a stage, here and in both explorers; `anew`: with new controls even if it is open. */
  show(stage, anew = false) {
    const other = stage !== this.stage;
    this.stage = stage;
    if (other || anew) this.view.build();
    if (other) this.view.draw(this.about.baseline, this.drawn);
    showStage(stage);
  }

  /** The explorers show other results, which get the stage that is open here; or a person chose something there. */
  explored(results) {
    const stage = results ? this.stage : shownStage(this.stage);
    if (stage < this.state.stages.length) this.show(stage);
    if (results) this.tell();
    this.sides.draw();
  }

  /** The variant's picture shows a state or an ablation, with weights that are trained so far. */
  shown(state, trained) {
    this.ran = { state, trained };
    page.update({ ran: state === this.ablation ? null : state });
    this.sides.draw();
    this.tell();
  }

  /** The result in words: the costs at once, the classes once they are computed. */
  tell() {
    const { running, due } = this.runs.state();
    const costs = costChanges(...this.pair);
    if (this.ablation) return say(this.ref.finding, sentences(trainedFinding(this.ablation.member), costWords(costs)));
    const found = running || due || this.ran.state !== this.state ? null : compared(page.state);
    const { trained } = this.ran;
    const same = found && trained === "same" && !costs.length;
    const words = found ? runFinding({ ...found, costs, trained: trained !== "untrained" }) : costWords(costs);
    say(this.ref.finding, same ? baselineWords(found.before) : words);
  }

  /** Makes the controls show the state. */
  reflect() {
    this.whole.reflect();
    this.view.reflect();
    this.trained.reflect();
  }

  draw(differences) {
    const { ref, about, drawn } = this;
    this.view.draw(about.baseline, drawn);
    this.totals.draw(...this.pair);
    this.breakdown.draw();
    ref.differsPart.hidden = !differences.length;
    say(ref.differs, phrase("differs", { count: differences.length }));
    ref.differences.replaceChildren(...differences.map(({ sentence }) => make("li", { text: sentence })));
    this.takeaway.draw();
    this.sides.draw();
    this.tell();
  }

  /** Removes all listeners, timers and runs, and restores the element. */
  destroy() {
    this.state = null;
    this.life.end();
  }
}
