// The open stage: tabs to choose it, its controls, and its drawing and numbers, baseline next to variant.

import { make, say } from "../shared/dom.js";
import { sides } from "../words/format.js";
import { differs } from "./architecture.js";
import { stageControls } from "./controls.js";
import { grid, stack } from "./diagram.js";
import { pair, scaleOf } from "./scale.js";
import { inBytes, inWords } from "../words/laboratory.js";
import { phrase } from "../words/phrase.js";

const ROOM = { width: 150, height: 60 }; // drawing units

const BOTH = [phrase("baseline"), phrase("variant")];
const counted = ({ shape }, cls) => (cls ? phrase("with_cls", { shape: sides(shape) }) : sides(shape));

// A stage's facts: label, the bar's number, and the text.
/** @type {[string, (stage: any) => number, (stage: any) => string][]} */
const ROWS = [
  [phrase("row_tokens"), (stage) => stage.queries, (stage) => counted(stage.query, stage.cls)],
  [phrase("row_keys"), (stage) => stage.keys, (stage) => counted(stage.key, stage.cls)],
  [phrase("attention_weights"), (stage) => stage.attention_entries, (stage) => inWords(stage.attention_entries)],
  [phrase("parameters"), (stage) => stage.parameters, (stage) => inWords(stage.parameters)],
  [phrase("macs"), (stage) => stage.macs, (stage) => inWords(stage.macs)],
  [phrase("activation_bytes"), (stage) => stage.activation_bytes, (stage) => inBytes(stage.activation_bytes)],
];

/**
 * Connects the tabs and the element that holds the open stage; `build` makes its controls anew, `reflect` updates them, `draw` the costs.
 * @param {import("./laboratory.js").Laboratory} laboratory
 */
export function stageView(laboratory, tabs, root) {
  let controls = { element: make("div"), reflect() {} };
  const figures = make("div", { class: "cvt-lab-figures" });
  const rows = ROWS.map(([name]) => row(name));
  const title = make("caption", { class: "cvt-hidden" });
  const numbers = make(
    "table",
    { class: "cvt-lab-numbers" },
    title,
    make("thead", {}, make("tr", {}, make("td"), ...BOTH.map((text) => make("th", { scope: "col", text })))),
    make("tbody", {}, ...rows.map((each) => each.element)),
  );
  const sees = make("p", { class: "cvt-sub" });

  function build() {
    const { stage, state } = laboratory;
    controls = stageControls(laboratory, stage);
    const name = (index) => phrase("stage", { stage: index + 1 });
    tabs.replaceChildren(
      ...state.stages.map((_, index) => make("button", { type: "button", text: name(index), onclick: () => laboratory.show(index) })),
    );
    say(title, name(stage));
    root.replaceChildren(
      controls.element,
      make("div", { class: "cvt-lab-facts" }, figures, numbers),
      sees,
      make("p", { class: "cvt-sub", text: phrase("drawing_legend") }),
    );
    reflect();
  }

  function reflect() {
    const { stage, state, about } = laboratory;
    Array.from(tabs.children).forEach((each, index) => {
      each.setAttribute("aria-pressed", index === stage);
      const changed = Object.keys(state.stages[index]).some((name) => differs(state, about, index, name));
      each.toggleAttribute("data-changed", changed);
      each.title = changed ? phrase("stage_differs") : "";
    });
    controls.reflect();
  }

  function draw(baseline, variant) {
    const { stage } = laboratory;
    const scale = scaleOf([baseline, variant], ROOM.width, ROOM.height);
    figures.replaceChildren(...[baseline, variant].map((each, side) => figure(each, stage, side, scale)));
    const [before, now] = [baseline.stages[stage], variant.stages[stage]];
    rows.forEach((each, place) => {
      const [, amount, words] = ROWS[place];
      const most = Math.max(...[baseline, variant].flatMap(({ stages }) => stages.map(amount)));
      const shares = pair(before && amount(before), now && amount(now), most);
      each.show(before ? words(before) : "–", now ? words(now) : "–", shares, Boolean(before && now && amount(before) !== amount(now)));
    });
    say(sees, now ? phrase("sees", { embeddings: sides(now.query.field), all: sides(now.field) }) : "");
  }

  return { build, reflect, draw };
}

function figure(architecture, stage, side, scale) {
  const own = architecture.stages[stage];
  if (!own) return make("p", { class: "cvt-sub", text: phrase(side ? "no_stage_variant" : "no_stage_baseline", { stage: stage + 1 }) });
  return make(
    "div",
    { class: side ? "cvt-lab-now" : "cvt-lab-before" },
    make("span", { class: "cvt-sub", text: BOTH[side] }),
    grid(own, architecture.side, BOTH[side]),
    stack(own, scale, ROOM, BOTH[side]),
  );
}

function row(name) {
  const cells = [0, 1].map(() => ({ text: make("span"), bar: make("i", { "aria-hidden": "true" }) }));
  const element = make("tr", {}, make("th", { scope: "row", text: name }), ...cells.map(({ text, bar }) => make("td", {}, text, bar)));
  function show(before, now, shares, changed) {
    [before, now].forEach((words, index) => {
      say(cells[index].text, words);
      cells[index].bar.style.setProperty("--share", shares[index]);
    });
    element.toggleAttribute("data-changed", changed);
  }
  return { element, show };
}
