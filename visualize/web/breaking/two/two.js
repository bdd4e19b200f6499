// "What do two pictures share?": one spot of the first picture across both, and parts of the first put into the second.

import { make, say } from "../../shared/dom.js";
import { cellBox, cellOf, cellAt, centre } from "../../shared/geometry.js";
import { page } from "../../shared/page.js";
import { rove } from "../../shared/rove.js";
import { attendsWords, similarWords, stagesWords } from "../../words/two.js";
import { percent } from "../../words/format.js";
import { firstName } from "../../words/explorer.js";
import { phrase } from "../../words/phrase.js";
import { choice } from "../controls.js";
import { litPicture, mapOf } from "./map.js";
import { patching } from "./patching.js";

let earlier = /** @type {?{ key: string, of: string }} */ (null); // the picture that was shown before this one
let latest = /** @type {?{ key: string, of: string }} */ (null);

/** Remembers the first picture's result, so that the one before it can be the second. */
function remember(value) {
  const { key } = value;
  if (latest?.key === key) return;
  earlier = latest;
  latest = { key, of: value.structure };
}

/**
 * @param {HTMLElement} root
 * @param {import("../experiments.js").Context} context
 * @returns {import("../experiments.js").Experiment}
 */
export function mount(root, context) {
  const chosen = { second: /** @type {?object} */ (null), shows: "alike" };
  let answer = /** @type {any} */ (null);
  let busy = false;
  let again = false;
  let patched = ""; // stage, block and head of the last patch
  let sent = false; // whether the second picture itself has come
  const strip = make("div", { class: "cvt-two-strip", role: "toolbar", "aria-label": phrase("two_second") });
  const lit = litPicture((point) => patch.point(point));
  const verdict = make("b");
  const sentence = make("p");
  const more = make("p", { class: "cvt-sub" });
  const state = () => context.shown()?.state;
  const result = () => context.shown()?.result;
  const numbers = (count) => Array.from({ length: count }, (_, index) => [index, index + 1]);
  const ofStage = (name, value) => ({ [name]: state().blocks.map((_, index) => (index === state().stage ? value : state()[name][index])) });
  const rows = [
    choice(
      phrase("two_shows"),
      () => [
        ["alike", phrase("two_alike")],
        ["looks", phrase("two_looks")],
      ],
      () => chosen.shows,
      show,
    ),
    choice(
      phrase("two_stage"),
      () => numbers(result()?.stages.length ?? 0),
      () => state()?.stage ?? 0,
      (stage) => context.set({ stage: Number(stage) }),
    ),
    choice(
      phrase("two_block"),
      () => numbers(result()?.stages[state().stage].depth ?? 0),
      () => state()?.blocks[state().stage] ?? 0,
      (block) => context.set(ofStage("blocks", Number(block))),
    ),
    choice(
      phrase("two_head"),
      () => [[-1, phrase("two_all_heads")], ...numbers(result()?.stages[state().stage].heads ?? 0)],
      () => state()?.heads[state().stage] ?? -1,
      (head) => context.set(ofStage("heads", Number(head))),
    ),
  ];
  const choices = make("div", { class: "cvt-two-choices" }, ...rows.map((each) => each.element));
  const patch = patching(context, asking, draw);
  const settings = make("div", { class: "cvt-two-settings" }, verdict, choices, sentence, more, patch.classes);
  const body = make("div", { hidden: true }, make("div", { class: "cvt-two-both" }, lit.canvas, settings), patch.element);
  root.append(make("h4", { text: phrase("two_second") }), strip, body);

  /** What the second picture shows; the first shows the same of itself. */
  function show(shows) {
    chosen.shows = shows;
    context.set(shows === "alike" ? { layer: "features", features: "similarity" } : { layer: "attention", view: "token" });
    draw();
  }

  function place() {
    const { stage, blocks, heads, y, x } = state();
    return { stage: stage + 1, block: blocks[stage] + 1, head: heads[stage] + 1, y, x };
  }

  function asking() {
    const shown = result();
    if (!chosen.second || !shown || !answer) return null;
    return { of: chosen.second, place: place(), alike: answer.stages[state().stage] };
  }

  /** Asks about the spot; while an answer is on its way, the newest spot waits. */
  async function ask() {
    if (!chosen.second || !state()) return;
    if (busy) return void (again = true);
    busy = true;
    const asked = { second: chosen.second, shown: result() };
    const found = await context.ask("pair", { ...asked.second, ...place(), picture: !sent });
    busy = false;
    if (context.signal.aborted) return;
    if (found && asked.second === chosen.second && asked.shown === result()) {
      if (found.picture) {
        lit.show(found.picture);
        sent = true;
      }
      const first = answer === null;
      answer = { ...found, at: place() };
      body.hidden = false;
      draw();
      if (first) patch.later();
    }
    if (again) {
      again = false;
      ask();
    }
  }

  function draw() {
    rows.forEach((each) => each.reflect());
    patch.reflect();
    rove(root);
    const shown = result();
    if (!answer || !shown) return;
    const index = answer.at.stage - 1;
    const stage = shown.stages[index];
    const map = mapOf(answer, stage, chosen.shows);
    const { clicked, to } = patch.needs();
    const target = patch.runs() && to === "clicked" && clicked ? cellBox(stage.query, cellAt(stage.query, clicked.y, clicked.x)) : null;
    lit.draw({ map, input: shown.input, target });
    const [best] = answer.classes[1];
    say(verdict, phrase("two_of_class", { label: firstName(best.label), share: percent(best.probability) }));
    const alike = chosen.shows === "alike";
    const said = alike
      ? similarWords(answer, index, shown.input)
      : attendsWords(answer, centre(map.grid, cellOf(map.grid, map.best)), shown.input);
    say(sentence, said);
    say(more, alike ? stagesWords(answer) : phrase("two_never"));
    lit.canvas.setAttribute("aria-label", phrase("two_canvas", { label: firstName(best.label), sentence: said }));
    sentence.hidden = more.hidden = patch.runs(); // the classes answer in their place
    if (!patch.runs()) context.tell(said);
  }

  function take(second, button) {
    chosen.second = second;
    answer = null;
    sent = false;
    for (const each of strip.children) each.setAttribute("aria-current", String(each === button));
    show(chosen.shows);
    ask();
  }

  async function offer() {
    const found = await context.ask("examples");
    if (!found || context.signal.aborted) return;
    const thumb = (name, address) => {
      const words = name.replaceAll("_", " ");
      const button = make(
        "button",
        { type: "button", "data-example-two": name, "aria-label": phrase("two_example", { name: words }), title: words },
        make("img", { src: address, alt: "", width: 56, height: 56 }),
      );
      button.addEventListener("click", () => take({ example: name }, button));
      return button;
    };
    strip.replaceChildren(...found.examples.map((each) => thumb(each.name, each.picture)));
    offerOthers();
  }

  /** Offers the picture that was shown before, if it is of the same model and input, and all examples but the first picture. */
  function offerOthers() {
    const own = page.state.results.before?.example;
    for (const each of strip.querySelectorAll("[data-example-two]")) each.hidden = each.dataset.exampleTwo === own;
    if (own && chosen.second?.example === own) {
      chosen.second = null;
      body.hidden = true;
    }
    strip.querySelector("[data-earlier]")?.remove();
    rove(root);
    if (!earlier || earlier.of !== latest?.of) return;
    const { key } = earlier;
    const button = make("button", { type: "button", "data-earlier": true, class: "cvt-toggle", text: phrase("two_earlier") });
    button.addEventListener("click", () => take({ other: key }, button));
    strip.append(button);
    rove(root);
  }

  return {
    update() {
      const shown = result();
      if (!shown) return;
      remember(shown);
      context.showAfter(null);
      answer = null;
      if (strip.children.length) offerOthers();
      else offer();
      if (!chosen.second) context.tell(phrase("two_start"));
      draw();
      ask();
    },
    chosen() {
      draw();
      ask();
      const { stage, block, head } = place();
      const at = JSON.stringify([stage, block, head]);
      if (at !== patched || state()?.pinned) patch.later(); // not at every place that the pointer passes
      patched = at;
    },
    destroy() {
      lit.stop();
    },
  };
}
