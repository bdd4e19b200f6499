// The same spot in every stage, side by side, and what the cls token looks at: each leads to its stage.

import { drawMap, fitAll, outline } from "../shared/draw.js";
import { cellBox } from "../shared/geometry.js";
import { caption, figure, make } from "../shared/dom.js";
import { paintAttention } from "./layers.js";
import { attentionMap, featureMap, queryCaption, queryOf } from "./views.js";
import { percent } from "../words/format.js";
import { phrase } from "../words/phrase.js";

/**
 * Connects the row of cards.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function spots(explorer, root) {
  let cards = [];
  let structure = "";

  function build() {
    const { result } = explorer;
    structure = result.structure;
    const last = result.stages.length - 1;
    const wanted = [...result.stages.keys()].map((stage) => ({ stage, cls: false }));
    if (result.stages[last].cls) wanted.push({ stage: last, cls: true });
    cards = wanted.map((each) => {
      const one = figure("", { button: true });
      const open = () =>
        explorer.set({ stage: each.stage, cls: each.cls, part: "stage", ...(each.cls && { layer: "attention", view: "token" }) });
      return { ...each, ...one, button: make("button", { type: "button", class: "cvt-spot", onclick: open }, one.element) };
    });
    root.replaceChildren(...cards.map((each) => each.button));
    root.style.setProperty("--cvt-spots", cards.length);
  }

  function resize() {
    if (explorer.result.structure !== structure) build();
    fitAll(
      cards.map((each) => each.canvas),
      explorer.result.aspect,
    );
  }

  function draw() {
    const { result, state } = explorer;
    root.hidden = state.layer === "class" || state.part !== "stage";
    if (root.hidden) return;
    const features = state.layer === "features";
    for (const card of cards) {
      const shown = { ...state, cls: card.cls, view: card.cls ? "token" : state.view };
      const stage = result.stages[card.stage];
      const { cell, keyCell } = queryOf(stage, shown);
      const title = phrase("stage", { stage: card.stage + 1 });
      card.button.hidden = features && card.cls;
      card.button.setAttribute("aria-pressed", card.stage === state.stage && card.cls === Boolean(state.cls && stage.cls));
      if (features) {
        const map = featureMap(result, state, card.stage);
        drawMap(card.canvas, map, result.input, { smooth: state.smooth });
        outline(card.canvas, cellBox(stage.query, cell), result.input, { weight: 1 });
        const words = { stage: card.stage + 1, name: map.name, caption: map.caption };
        caption(card, { name: title }, phrase("features_spoken", words));
        continue;
      }
      const map = attentionMap(result, shown, card.stage);
      paintAttention(card.canvas, map, result, shown, card.stage, { underlay: (width, height) => result.underlay(width, height) });
      if (!card.cls && shown.view !== "mean") {
        outline(card.canvas, shown.view === "token" ? cellBox(stage.query, cell) : cellBox(stage.key, keyCell), result.input, {
          weight: 1,
        });
      }
      const name = card.cls ? phrase("cls_token") : title;
      const value = map ? phrase("largest", { share: percent(map.numbers.maximum) }) : phrase("choose_to_load");
      const query = queryCaption(result, shown, card.stage);
      caption(card, { name }, phrase("attention_spoken", { stage: card.stage + 1, name: query, size: value }));
    }
  }

  return { draw, resize };
}
