// What was measured with parts switched off, in a page that was saved: the classes before and after, and what each part is worth.

import { bars } from "../breaking/bars.js";
import { diagram, drawScale, upAndDown } from "../breaking/knock/diagram.js";
import { idOf, lossesOf, most, named, offOf, STEPS } from "../breaking/knock/parts.js";
import { make } from "../shared/dom.js";
import { drawTerm } from "../explorer/terms.js";
import { rich, terms } from "../shared/terms.js";
import { firstName } from "../words/explorer.js";
import { changeWords, knockWords, logitWords, mostWords, scaleWords, switchWords } from "../words/knock.js";
import { phrase } from "../words/phrase.js";

/** One answer: what was off, what the model says then, and the bars of both. */
function out({ off, how, answer }, stages) {
  const parts = named(offOf(off, stages));
  const [words, logit, rows] = [make("p"), make("p", { class: "cvt-sub" }), make("div", { class: "cvt-break-bars" })];
  rich(words, knockWords(parts, how, answer));
  rich(logit, logitWords(answer));
  bars(rows, answer.before, answer.after);
  return make("article", {}, make("h3", { text: changeWords(parts, how) }), words, rows, logit);
}

/** The model's diagram, tinted by what each part is worth; the one that is pointed at is told above it. */
function importance(answer, stages) {
  const [model, note] = [make("div", { class: "cvt-knock" }), make("p", { class: "cvt-sub" })];
  const detail = make("p", { class: "cvt-file-detail", role: "status" });
  const scale = make("div", { class: "cvt-knock-scale" });
  const losses = lossesOf(answer);
  const byId = new Map(losses.map((each) => [idOf(each.part), each]));
  const drawn = diagram(model, stages);
  const words = (part) => switchWords(part, false, byId.get(idOf(part)), answer.probability);
  drawn.draw({ isOff: () => false, isFixed: (part) => !byId.has(idOf(part)), words, guess: null, losses: byId });
  for (const each of model.querySelectorAll("button")) each.removeAttribute("aria-pressed"); // they show, and switch nothing
  const describe = (event) => {
    const part = drawn.partOf(event);
    if (part) rich(detail, words(part));
  };
  for (const type of ["pointerover", "focusin", "click"]) model.addEventListener(type, describe);
  model.addEventListener("keydown", upAndDown);
  rich(detail, phrase("file_measured_hint"));
  rich(note, `${mostWords(answer.logit, most(losses))} ${phrase("knock_alone")}`);
  drawScale(scale, phrase("knock_scale", { label: firstName(answer.label) }), scaleWords(STEPS));
  return make("article", {}, make("h3", { text: phrase("file_measured") }), note, detail, model, scale);
}

/**
 * Shows it, as far as it is of this model.
 * @param {HTMLElement} root
 * @param {import("../breaking/knock/made.js").Made} made
 * @param {import("../explorer/explorer.js").Explorer} explorer
 */
export function measured(root, { outs, importance: worth }, explorer) {
  const { stages } = explorer.result;
  const shown = outs.filter(({ off }) => offOf(off, stages)?.size).map((each) => out(each, stages));
  if (worth) shown.push(importance(worth, stages));
  root.hidden = !shown.length;
  const heading = make("header", {}, make("h2", { text: phrase("file_changed") }));
  if (outs.length) heading.append(make("p", { text: phrase("file_pairs") }));
  root.replaceChildren(heading, ...shown);
  terms([root], (term, canvas) => drawTerm(canvas, term, explorer), explorer.life.signal);
}
