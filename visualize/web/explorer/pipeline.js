// The flow from picture to class: every part is a button, and what goes from part to part is written on the arrows.

import { drawMap, fitAll } from "../shared/draw.js";
import { caption, figure, make, say } from "../shared/dom.js";
import { featureMap } from "./views.js";
import { percent, sides } from "../words/format.js";
import { firstName } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";

/**
 * Builds the flow for the explorer's result; returns what draws it.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function pipeline(explorer, root) {
  const { result } = explorer;
  const part = (kind, attributes, ...content) =>
    make("button", { type: "button", class: `cvt-part cvt-${kind}`, ...attributes }, ...content);
  const given = figure("");
  const input = part(
    "given",
    { title: phrase("input_hint"), onclick: () => explorer.set({ pixels: !explorer.state.pixels }) },
    given.element,
  );
  const stages = result.stages.map((_, index) => {
    const map = figure("");
    const open = () => explorer.set({ part: "stage", stage: index });
    return { ...map, button: part("stage", { onclick: open }, map.element), shown: "" };
  });
  const embeddings = result.stages.map(({ embedding: { kernel, stride } }, index) => {
    const values = { kernel: sides(kernel), stride: stride[0] };
    const open = () => explorer.set({ part: "embedding", stage: index, ancestors: true });
    const spoken = phrase("embedding_title", { stage: index + 1 });
    return part(
      "hop",
      {
        title: phrase(index ? "embedding_tokens" : "embedding_pixels", values),
        onclick: open,
        "aria-label": `${spoken}: ${values.kernel}`,
      },
      make("span", { text: sides(kernel) }),
    );
  });
  const [best, share] = [make("b"), make("span")];
  const pooled = make(
    "span",
    { class: "cvt-part cvt-hop-label" },
    make("span", { text: phrase(result.last.cls ? "arrow_cls" : "arrow_mean") }),
  );
  const classes = part("finish", { onclick: () => explorer.set({ part: "classifier" }) }, best, share);
  root.style.setProperty("--cvt-stages", result.stages.length);
  root.replaceChildren(input, ...stages.flatMap((each, index) => [embeddings[index], each.button]), pooled, classes);

  function resize() {
    const { result } = explorer; // a later one of the same structure, perhaps
    const [{ label, probability }] = result.header.top;
    say(best, firstName(label));
    say(share, percent(probability));
    fitAll([given.canvas, ...stages.map((each) => each.canvas)], result.aspect);
    drawMap(given.canvas, null, result.input, { underlay: (width, height) => result.underlay(width, height, true) });
    caption(given, { name: phrase("picture"), size: sides(result.input) }, phrase("input_spoken"));
    for (const each of stages) each.shown = "";
  }

  function draw() {
    const { result, state } = explorer;
    stages.forEach((each, index) => {
      each.button.setAttribute("aria-pressed", state.part === "stage" && state.stage === index);
      embeddings[index].setAttribute("aria-pressed", state.part === "embedding" && state.stage === index);
      const view = state.features === "similarity" ? "pca" : state.features; // as the whole stage is, not as one token sees it
      const wanted = `${view} ${state.channels[index]} ${state.scale} ${state.smooth}`;
      if (each.shown === wanted) return;
      each.shown = wanted;
      const stage = result.stages[index];
      const map = featureMap(result, state, index, view);
      drawMap(each.canvas, map, result.input, { smooth: state.smooth });
      const words = { name: phrase("stage", { stage: index + 1 }), size: sides(stage.query.shape) };
      each.button.title = phrase("stage_blocks", { blocks: stage.depth, heads: stage.heads });
      caption(each, words, phrase("features_spoken", { stage: index + 1, name: map.name, caption: map.caption }));
    });
    classes.setAttribute("aria-pressed", state.part === "classifier");
    input.setAttribute("aria-pressed", state.pixels);
  }
  return { resize, draw };
}
