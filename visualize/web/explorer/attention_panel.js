// The attention of the chosen stage: its blocks as a strip, its heads side by side, and the numbers in words.

import { cssBar, SEQUENTIAL } from "../shared/colour.js";
import { figure, make, say } from "../shared/dom.js";
import { drawMap, fitAll, outline } from "../shared/draw.js";
import { cellBox } from "../shared/geometry.js";
import { withStageValue } from "./state.js";
import { attentionMap, attentionTop, queryCaption, queryOf } from "./views.js";
import { brief, percent, plural, sides } from "../shared/format.js";
import { NUMBERS, rowNumbers } from "./words.js";

/** Connects the panel's elements; `build` follows another stage, `draw` every change. */
export function attentionPanel(explorer, ref, signal) {
  ref.colours.replaceChildren(...SEQUENTIAL.map(([value, text]) => make("option", { value, text })));
  let blocks = [];
  let heads = [];
  const numbers = Object.entries(NUMBERS).map(([name, text]) => {
    const value = make("dd");
    return { name, value, element: make("div", {}, make("dt", { text }), value) };
  });
  ref.numbers.replaceChildren(...numbers.map((each) => each.element));

  const tile = (name, value, words) => {
    const one = figure(name);
    const change = () => explorer.set(withStageValue(explorer.state, words, value));
    const element = make("button", { type: "button", class: "cvt-tile", onclick: change }, one.element);
    return { ...one, element, index: value };
  };

  // A pressed pointer or a finger sweeps through the blocks that are there; one that would have to be loaded wants a click.
  ref.blocks.addEventListener(
    "pointermove",
    (event) => {
      if (!event.buttons || !explorer.result) return;
      const under = document.elementFromPoint(event.clientX, event.clientY)?.closest("button");
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
    say(ref.attentionTitle, `Attention in stage ${state.stage + 1}`);
    const reduction = (stage.query.shape[0] * stage.query.shape[1]) / (stage.key.shape[0] * stage.key.shape[1]);
    say(
      ref.attentionSub,
      `${sides(stage.query.shape)} queries draw on ${sides(stage.key.shape)} keys` +
        `${reduction > 1.05 ? `, ${reduction.toFixed(reduction % 1 > 0.05 ? 1 : 0)} times fewer` : ""}${stage.cls ? ", and on the cls token" : ""}.`,
    );
    ref.cls.hidden = !stage.cls;
    ref.blocksPart.hidden = stage.depth < 2;
    blocks = Array.from({ length: stage.depth }, (_, index) => tile(`${index + 1}`, index, "blocks"));
    ref.blocks.replaceChildren(...blocks.map((each) => each.element));
    blocks.forEach((each) => each.name.before(make("span", { class: "cvt-hidden", text: "Block " })));
    const shown = stage.heads > 1 ? [-1, ...Array.from({ length: stage.heads }, (_, index) => index)] : [-1];
    heads = shown.map((index) => tile(index < 0 ? (stage.heads > 1 ? "Mean" : "Head 1") : `Head ${index + 1}`, index, "heads"));
    [...blocks, ...heads].forEach((each) => each.canvas.setAttribute("aria-hidden", "true")); // the caption says it
    ref.heads.replaceChildren(...heads.map((each) => each.element));
    ref.heads.style.setProperty("--cvt-count", shown.length);
    ref.heads.classList.toggle("cvt-single", stage.heads === 1);
    say(ref.headsTitle, plural(stage.heads, "head"));
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
      say(one.value, asked ? "loading" : options.mark ? "not loaded" : "load");
    } else if (options.mark) say(one.value, `max ${percent(map.numbers.maximum)}`);
    else {
      // Over the blocks: how spread out the weights are, and how much the query keeps for the cls token
      const row = state.view !== "received";
      say(one.size, row ? `${map.numbers.entropy.toFixed(1)} bit` : "");
      say(one.value, row && map.clsWeight !== null ? `cls ${brief(map.clsWeight)}` : "");
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
    const which = heads.length === 1 ? "" : head < 0 ? ", each the mean of its heads" : `, head ${head + 1} of each`;
    const numbersToo =
      state.view === "received" ? "" : "; below, the entropy" + (result.stages[state.stage].cls ? " and the weight on the cls token" : "");
    const who = queryOf(result.stages[state.stage], state).cls && state.view === "token" ? "The cls token's attention over " : "";
    say(ref.blocksTitle, `${who}${plural(blocks.length, "block")}, first to last${which}${numbersToo}`);
    let chosen = null;
    for (const each of heads) {
      const map = drawTile(each, block, each.index, { mark: true });
      const here = each.index === head || heads.length === 1;
      each.element.setAttribute("aria-pressed", here);
      if (here) chosen = map;
    }
    drawNumbers(chosen);
    ref.bar.style.background = cssBar(state.colours);
    say(ref.barHigh, chosen ? percent(attentionTop(result, state, state.stage, chosen)) : "");
    ref.cls.setAttribute("aria-pressed", state.cls);
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
    ref.numbers.setAttribute("aria-label", `Weights, ${queryCaption(result, state, state.stage)}`);
  }

  return { build, draw, resize };
}
