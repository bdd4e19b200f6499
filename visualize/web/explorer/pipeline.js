// The model from picture to classes, to scale: conv embeddings, stages with feature picture and attention, classifier.

import { drawMap, fitAll, outline } from "../shared/draw.js";
import { cellBox } from "../shared/geometry.js";
import { caption, figure, make, say } from "../shared/dom.js";
import { attentionMap, attentionTop, featureMap, queryCaption, queryOf } from "./views.js";
import { percent, sides } from "../words/format.js";
import { firstName } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";

const TALL = 36; // px of the input's height

/** A bar whose height is the grid's rows and whose length is its channels, to scale. */
function slab(rows, channels, scale) {
  const width = Math.max(2, channels * scale.length);
  const height = Math.max(2, rows * scale.height);
  const bar = make("i", { style: `width:${width.toFixed(1)}px;height:${height.toFixed(1)}px` });
  return make("div", { class: "cvt-slab", "aria-hidden": "true" }, bar);
}

/**
 * Builds the pipeline for the explorer's result; returns what draws it.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function pipeline(explorer, root) {
  const { result } = explorer;
  const widest = Math.max(...result.stages.map((stage) => stage.width));
  const scale = { height: TALL / result.input[0], length: 96 / widest };
  const given = figure("");
  const pixels = () => explorer.set({ pixels: !explorer.state.pixels });
  const input = make(
    "button",
    { type: "button", class: "cvt-card cvt-end", title: phrase("input_hint"), onclick: pixels },
    slab(result.input[0], 3, scale),
    make("b", { text: phrase("input") }),
    make("span", { text: phrase("pixels", { size: sides(result.input) }) }),
    given.element,
  );
  const cards = result.stages.map((stage, index) => card(explorer, stage, index, scale));
  const columns = cards.map((each, index) => {
    each.embedding = embedding(explorer, result.stages[index], index);
    return make("div", { class: "cvt-column" }, each.embedding, each.element);
  });
  const best = make("span", { class: "cvt-best" });
  const classes = make(
    "button",
    { type: "button", class: "cvt-card cvt-last", onclick: () => explorer.set({ part: "classifier" }) },
    make("div", { class: "cvt-slab", "aria-hidden": "true" }),
    make("b", { text: phrase("classifier") }),
    make("span", { text: phrase("classes", { classes: result.header.classes }) }),
    best,
  );
  root.style.setProperty("--cvt-stages", result.stages.length);
  root.replaceChildren(input, ...columns, classes);

  const canvases = [given.canvas, ...cards.flatMap((each) => [each.features.canvas, each.attention.canvas])];
  function resize() {
    const { result } = explorer; // a later one of the same structure, perhaps
    const [{ label, probability }] = result.header.top;
    say(best, phrase("best", { label: firstName(label), share: percent(probability) }));
    fitAll(canvases, result.aspect);
    drawMap(given.canvas, null, result.input, { underlay: (width, height) => result.underlay(width, height, true) });
    given.canvas.setAttribute("aria-label", phrase("input_spoken"));
    for (const each of cards) each.shown = null;
  }
  function draw() {
    const { part, stage } = explorer.state;
    cards.forEach((each, index) => {
      drawCard(explorer, each, index);
      each.element.setAttribute("aria-pressed", part === "stage" && stage === index);
      each.embedding.setAttribute("aria-pressed", part === "embedding" && stage === index);
    });
    classes.setAttribute("aria-pressed", part === "classifier");
    input.setAttribute("aria-pressed", explorer.state.pixels);
  }
  return { resize, draw };
}

function embedding(explorer, stage, index) {
  const { kernel, stride } = stage.embedding;
  return make(
    "button",
    { type: "button", class: "cvt-card cvt-embedding", onclick: () => explorer.set({ part: "embedding", stage: index }) },
    make("b", { text: phrase("embedding") }),
    make("span", { text: phrase(index ? "embedding_tokens" : "embedding_pixels", { kernel: sides(kernel), stride: stride[0] }) }),
  );
}

function card(explorer, stage, index, scale) {
  const features = figure("");
  const attention = figure("");
  const words = phrase(stage.cls ? "stage_tokens_cls" : "stage_tokens", { shape: sides(stage.query.shape), width: stage.width });
  const dots = make("span", { class: "cvt-dots", "aria-hidden": "true" }, ...Array.from({ length: stage.depth }, () => make("i")));
  const button = make(
    "button",
    { type: "button", class: "cvt-card", onclick: () => explorer.set({ part: "stage", stage: index }) },
    make(
      "span",
      { class: "cvt-words" },
      slab(stage.query.shape[0], stage.width, scale),
      make("b", { text: phrase("stage", { stage: index + 1 }) }),
      make("span", { text: words }),
      make("span", { text: phrase("stage_blocks", { blocks: stage.depth, heads: stage.heads }) }),
      dots,
    ),
    make("span", { class: "cvt-pair" }, features.element, attention.element),
  );
  return { element: button, features, attention, dots: Array.from(dots.children), shown: null };
}

function drawCard(explorer, card, index) {
  const { result, state } = explorer;
  const stage = result.stages[index];
  const { cell, keyCell, cls } = queryOf(stage, state);
  card.dots.forEach((each, block) => each.toggleAttribute("data-on", block === state.blocks[index]));

  const still = state.features === "similarity" ? null : `${state.features} ${state.channels[index]} ${state.scale} ${state.smooth}`;
  if (still === null || card.shown !== still) {
    const map = featureMap(result, state, index);
    drawMap(card.features.canvas, map, result.input, { smooth: state.smooth });
    const words = { name: map.name, size: sides(stage.query.shape), value: map.caption };
    caption(card.features, words, phrase("features_spoken", { stage: index + 1, name: map.name, caption: map.caption }));
    card.shown = still;
  }

  const map = attentionMap(result, state, index);
  const { canvas } = card.attention;
  const top = map && attentionTop(result, state, index, map);
  drawMap(canvas, map && { ...map, low: 0, high: top, colours: state.colours }, result.input, {
    opacity: state.opacity,
    smooth: state.smooth,
    underlay: (width, height) => result.underlay(width, height),
  });
  if (!cls && state.view === "token") outline(canvas, cellBox(stage.query, cell), result.input, { weight: 1 });
  if (!cls && state.view === "received") outline(canvas, cellBox(stage.key, keyCell), result.input, { weight: 1 });
  const name = queryCaption(result, state, index);
  const size =
    state.view === "received" ? phrase("tokens", { shape: sides(stage.query.shape) }) : phrase("keys", { shape: sides(stage.key.shape) });
  const value = map ? phrase("largest", { share: percent(map.numbers.maximum) }) : phrase("choose_to_load");
  caption(card.attention, { name, size, value }, phrase("attention_spoken", { stage: index + 1, name, size }));
}
