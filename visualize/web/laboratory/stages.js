// The stages side by side: each one's drawing and numbers, baseline next to variant, and its controls below.

import { make, say } from "../shared/dom.js";
import { sides } from "../words/format.js";
import { stageControls } from "./controls.js";
import { grid, stack } from "./diagram.js";
import { pair, scaleOf } from "./scale.js";
import { inBytes, inWords } from "../words/laboratory.js";
import { phrase } from "../words/phrase.js";

const ROOM = { width: 150, height: 84 }; // drawing units

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
  [phrase("row_sees"), (stage) => stage.field[0], (stage) => phrase("pixels_seen", { size: sides(stage.field) })],
];

/**
 * Connects the element that holds the stages; `build` updates their number, `reflect` the controls, `draw` the costs.
 * @param {import("./laboratory.js").Laboratory} laboratory
 */
export function stages(laboratory, root) {
  let cards = [];

  function build() {
    cards = laboratory.state.stages.map((_, index) => card(laboratory, index));
    root.style.setProperty("--cvt-stages", cards.length);
    root.dataset.columns = cards.length;
    root.replaceChildren(...cards.map((each) => each.element));
    reflect();
  }

  function reflect() {
    if (cards.length !== laboratory.state.stages.length) build();
    else cards.forEach((each) => each.controls.reflect());
  }

  function draw(baseline, variant) {
    const scale = scaleOf([baseline, variant], ROOM.width, ROOM.height);
    const most = ROWS.map(([, amount]) => Math.max(...[baseline, variant].flatMap((each) => each.stages.map(amount))));
    cards.forEach((each, index) => each.draw(baseline, variant, index, scale, most));
  }

  return { build, reflect, draw };
}

function card(laboratory, index) {
  const controls = stageControls(laboratory, index);
  const figures = make("div", { class: "cvt-lab-figures" });
  const rows = ROWS.map(([name]) => row(name));
  const table = make(
    "table",
    { class: "cvt-lab-numbers" },
    make("thead", {}, make("tr", {}, make("td"), ...BOTH.map((text) => make("th", { scope: "col", text })))),
    make("tbody", {}, ...rows.map((each) => each.element)),
  );
  const title = phrase("stage", { stage: index + 1 });
  const element = make(
    "section",
    { class: "cvt-lab-stage", "aria-label": title, "data-stage": index },
    make("h3", { text: title }),
    figures,
    table,
    controls.element,
  );

  function draw(baseline, variant, stage, scale, most) {
    figures.replaceChildren(
      ...[baseline, variant].map((each, side) => {
        const own = each.stages[stage];
        const none = side ? "no_stage_variant" : "no_stage_baseline";
        if (!own) return make("p", { class: "cvt-sub", text: phrase(none, { stage: stage + 1 }) });
        return make(
          "div",
          { class: side ? "cvt-lab-now" : "cvt-lab-before" },
          make("span", { class: "cvt-sub", text: BOTH[side] }),
          grid(own, each.side, BOTH[side]),
          stack(own, scale, ROOM, BOTH[side]),
        );
      }),
    );
    const [before, now] = [baseline.stages[stage], variant.stages[stage]];
    rows.forEach((each, place) => {
      const [, amount, words] = ROWS[place];
      const shares = pair(before && amount(before), now && amount(now), most[place]);
      each.show(before ? words(before) : "–", now ? words(now) : "–", shares, Boolean(before && now && amount(before) !== amount(now)));
    });
  }
  return { element, controls, draw };
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
