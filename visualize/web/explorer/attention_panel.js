// The attention of the chosen stage: its blocks as a strip, its heads side by side, and the statistics in words.

import { cssBar } from "../shared/colour.js";
import { figure, make, say, treeOf } from "../shared/dom.js";
import { drawMap, fitAll, outline } from "../shared/draw.js";
import { cellBox } from "../shared/geometry.js";
import { withStageValue } from "./state.js";
import { attentionMap, attentionTop, queryCaption, queryOf } from "./views.js";
import { brief, percent } from "../words/format.js";
import { blocksWords, numberNames, queriesWords, rowNumbers } from "../words/explorer.js";
import { darkScale } from "../words/findings.js";
import { phrase } from "../words/phrase.js";

/**
 * Connects the panel's elements; `build` runs for another stage, `draw` for every change.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function attentionPanel(explorer, ref, signal) {
  let blocks = [];
  let heads = [];
  const numbers = Object.entries(numberNames()).map(([name, text]) => {
    const value = make("dd");
    return { name, value, element: make("div", {}, make("dt", { text }), value) };
  });
  ref.numbers.replaceChildren(...numbers.map((each) => each.element));

  const tile = (name, value, words) => {
    const one = figure(name, { button: true });
    const change = () => explorer.set(withStageValue(explorer.state, words, value));
    const element = make("button", { type: "button", class: "cvt-tile", onclick: change }, one.element);
    return { ...one, element, index: value };
  };

  // Dragging sweeps through the loaded blocks; loading one takes a click.
  ref.blocks.addEventListener(
    "pointermove",
    (event) => {
      if (!event.buttons || !explorer.result) return;
      const under = treeOf(ref.blocks).elementFromPoint(event.clientX, event.clientY)?.closest("button");
      const block = blocks.findIndex((each) => each.element === under);
      const { result, state } = explorer;
      if (block >= 0 && block !== state.blocks[state.stage] && result.block(state.stage, block))
        explorer.set(withStageValue(state, "blocks", block));
    },
    { signal },
  );

  function build() {
    const { result, state } = explorer;
    const stage = result.stages[state.stage];
    say(ref.attentionTitle, phrase("attention_title", { stage: state.stage + 1 }));
    say(ref.attentionSub, queriesWords(stage));
    ref.cls.hidden = !stage.cls;
    ref.blocksPart.hidden = stage.depth < 2;
    blocks = Array.from({ length: stage.depth }, (_, index) => tile(`${index + 1}`, index, "blocks"));
    ref.blocks.replaceChildren(...blocks.map((each) => each.element));
    for (const { name, index } of blocks) {
      name.before(make("span", { class: "cvt-hidden", text: phrase("block", { block: index + 1 }) }));
      name.setAttribute("aria-hidden", "true"); // there is only room for the number
    }
    const headName = (index) => (index < 0 && stage.heads > 1 ? phrase("mean") : phrase("head", { head: Math.max(0, index) + 1 }));
    const shown = stage.heads > 1 ? [-1, ...Array.from({ length: stage.heads }, (_, index) => index)] : [-1];
    heads = shown.map((index) => tile(headName(index), index, "heads"));
    [...blocks, ...heads].forEach((each) => each.canvas.setAttribute("aria-hidden", "true")); // the caption says it
    ref.heads.replaceChildren(...heads.map((each) => each.element));
    ref.heads.style.setProperty("--cvt-count", shown.length);
    ref.heads.classList.toggle("cvt-single", stage.heads === 1);
    say(ref.headsTitle, phrase("heads", { heads: stage.heads }));
    resize();
  }

  function resize() {
    const { result } = explorer;
    fitAll(
      [...blocks, ...heads].map((each) => each.canvas),
      result.aspect,
    );
  }

  function drawTile(one, block, head, options) {
    const { result, state } = explorer;
    const map = attentionMap(result, state, state.stage, block, head);
    const top = map && attentionTop(result, state, state.stage, map);
    drawMap(one.canvas, map && { ...map, low: 0, high: top, colours: state.colours }, result.input, { smooth: state.smooth });
    const stage = result.stages[state.stage];
    const { cell, keyCell, cls } = queryOf(stage, state);
    if (options.mark && !cls && state.view !== "mean") {
      outline(one.canvas, state.view === "token" ? cellBox(stage.query, cell) : cellBox(stage.key, keyCell), result.input, { weight: 1 });
    }
    one.element.classList.toggle("cvt-absent", !map);
    if (!map) {
      const asked = result.asked.has(`${state.stage}.${block}`);
      say(one.size, "");
      say(one.value, phrase(asked ? "loading" : options.mark ? "not_loaded" : "load"));
    } else if (options.mark) say(one.value, phrase("largest", { share: percent(map.numbers.maximum) }));
    else {
      // Over the blocks: how spread out the weights are, and how much the query keeps for the cls token
      const row = state.view !== "received";
      say(one.size, row ? phrase("entropy", { entropy: map.numbers.entropy.toFixed(1) }) : "");
      say(one.value, row && map.clsWeight !== null ? phrase("cls_weight", { share: brief(map.clsWeight) }) : "");
    }
    return map;
  }

  function draw() {
    const { result, state } = explorer;
    const block = state.blocks[state.stage];
    const head = state.heads[state.stage];
    for (const each of blocks) {
      drawTile(each, each.index, head, { mark: false });
      each.element.setAttribute("aria-pressed", each.index === block);
    }
    const stage = result.stages[state.stage];
    const asks = queryOf(stage, state).cls && state.view === "token";
    const row = state.view !== "received";
    say(ref.blocksTitle, blocksWords({ blocks: blocks.length, head, heads: stage.heads, cls: stage.cls, asks, row }));
    let chosen = null;
    for (const each of heads) {
      const map = drawTile(each, block, each.index, { mark: true });
      const here = each.index === head || heads.length === 1;
      each.element.setAttribute("aria-pressed", here);
      if (here) chosen = map;
    }
    drawNumbers(chosen);
    ref.bar.style.background = cssBar(state.colours);
    const top = chosen ? attentionTop(result, state, state.stage, chosen) : 0;
    say(ref.barHigh, chosen ? percent(top) : "");
    say(ref.scaleNote, chosen ? darkScale(chosen.largest, top) : "");
    ref.cls.setAttribute("aria-pressed", asks);
  }

  function drawNumbers(map) {
    const { state, result } = explorer;
    if (!map) return;
    const row = state.view !== "received"; // a column does not sum to 1: it has no entropy, and nothing to compare with
    const found = rowNumbers(map.numbers, map.count, map.clsWeight, map.row);
    for (const { name, value, element } of numbers) {
      element.hidden = found[name] === null || !(row || name === "minimum" || name === "maximum");
      say(value, found[name] ?? "");
    }
    ref.numbers.setAttribute("aria-label", phrase("weights_spoken", { query: queryCaption(result, state, state.stage) }));
  }

  return { build, draw, resize };
}
