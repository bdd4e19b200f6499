// The stages beside each other: each one's drawing and numbers, baseline next to variant, and its controls below.

import { make, say } from "../shared/dom.js";
import { sides } from "../shared/format.js";
import { stageControls } from "./controls.js";
import { grid, stack } from "./diagram.js";
import { pair, scaleOf } from "./scale.js";
import { inBytes, inWords } from "./words.js";

const ROOM = { width: 150, height: 84 }; // units of the drawing of the blocks

// What is said of a stage: its name, the number behind its bar, and how it is written.
const ROWS = [
  ["Tokens", (stage) => stage.queries, (stage) => `${sides(stage.query.shape)}${stage.cls ? " + 1" : ""}`],
  ["Keys", (stage) => stage.keys, (stage) => `${sides(stage.key.shape)}${stage.cls ? " + 1" : ""}`],
  ["Attention weights", (stage) => stage.attention_entries, (stage) => inWords(stage.attention_entries)],
  ["Parameters", (stage) => stage.parameters, (stage) => inWords(stage.parameters)],
  ["Multiply-adds", (stage) => stage.macs, (stage) => inWords(stage.macs)],
  ["Activation memory", (stage) => stage.activation_bytes, (stage) => inBytes(stage.activation_bytes)],
  ["A token sees", (stage) => stage.field[0], (stage) => `${sides(stage.field)} px`],
];

/** Connects the element that holds the stages; `build` follows their number, `reflect` the controls, `draw` the costs. */
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
    make(
      "thead",
      {},
      make("tr", {}, make("td"), make("th", { scope: "col", text: "Baseline" }), make("th", { scope: "col", text: "Variant" })),
    ),
    make("tbody", {}, ...rows.map((each) => each.element)),
  );
  const element = make(
    "section",
    { class: "cvt-lab-stage", "aria-label": `Stage ${index + 1}`, "data-stage": index },
    make("h3", { text: `Stage ${index + 1}` }),
    figures,
    table,
    controls.element,
  );

  function draw(baseline, variant, stage, scale, most) {
    const both = [
      ["Baseline", baseline, "cvt-lab-before"],
      ["Variant", variant, "cvt-lab-now"],
    ];
    figures.replaceChildren(
      ...both.map(([name, each, kind]) => {
        const own = each.stages[stage];
        if (!own) return make("p", { class: "cvt-sub", text: `The ${name.toLowerCase()} has no stage ${stage + 1}.` });
        return make(
          "div",
          { class: kind },
          make("span", { class: "cvt-sub", text: name }),
          grid(own, each.side, name),
          stack(own, scale, ROOM, name),
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
