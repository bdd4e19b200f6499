// The parts between the stages: a conv embedding at the token under the pointer, and the classifier.

import { shared } from "./ancestry.js";
import { cellsOf, neighbours } from "./cells.js";
import { paintEvidence } from "./layers.js";
import { caption, figure, make, say } from "../shared/dom.js";
import { drawMap, fitAll, outline } from "../shared/draw.js";
import { ancestors, cellBox, cellOf, clipped, fieldBox } from "../shared/geometry.js";
import { classEvidence, classRegion, evidenceMap, featureMap, queryOf } from "./views.js";
import { percent, sides, signed } from "../words/format.js";
import { addsWord, classifierWords, embeddingFacts, embeddingWords, firstName, shortPlace } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";

/**
 * Connects the panel's elements; it is visible while an embedding or the classifier is open.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function partPanel(explorer, ref) {
  const [read, made] = [figure(""), figure("")];
  const arrow = make("span", { "aria-hidden": "true", text: "→" });
  const embedding = make("div", { class: "cvt-steps" }, read.element, arrow, made.element);
  let classes = [];
  let built = null;

  function build() {
    const { result } = explorer;
    classes = result.header.top.map(({ label }, which) => {
      const one = figure(firstName(label), { button: true });
      const element = make("button", { type: "button", class: "cvt-tile", onclick: () => explorer.set({ which }) }, one.element);
      return { ...one, button: element };
    });
    built = result;
  }

  function draw() {
    const { result, state } = explorer;
    const open = state.part !== "stage";
    ref.part.hidden = !open;
    if (!open) return;
    if (built !== result) build();
    const embeds = state.part === "embedding";
    const wanted = embeds ? [embedding] : classEvidence(result, 0) ? classes.map((each) => each.button) : [];
    if (ref.partBody.dataset.shown !== `${state.part} ${explorer.key}`) {
      ref.partBody.replaceChildren(...wanted);
      ref.partBody.dataset.shown = `${state.part} ${explorer.key}`;
    }
    ref.partBody.className = embeds ? "" : "cvt-heads";
    if (embeds) drawEmbedding();
    else drawClassifier();
  }

  function named(one, name, shape) {
    caption(one, { name, size: sides(shape) }, phrase("figure_spoken", { name, size: sides(shape) }));
  }

  /** The embedding's input, with the windows of the token and of its neighbour, and the positions of the two. */
  function drawEmbedding() {
    const { result, state } = explorer;
    const stage = result.stages[state.stage];
    const { cell } = queryOf(stage, state);
    const next = neighbours(cell, stage.query.shape).find((each) => each.column !== cell.column);
    fitAll([read.canvas, made.canvas], result.aspect);
    const first = state.stage === 0;
    const picture = (width, height) => result.underlay(width, height, true);
    drawMap(read.canvas, first ? null : featureMap(result, state, state.stage - 1, "pca"), result.input, { underlay: picture });
    for (const token of next ? [next, cell] : [cell]) {
      const weight = token === cell ? 2 : 1;
      if (first) {
        outline(read.canvas, clipped(fieldBox(stage.query, token), result.input), result.input, { weight });
        continue;
      }
      const [window] = ancestors(result.stages, state.stage, token);
      for (const each of cellsOf(result.stages[window.stage].query, window))
        outline(read.canvas, each, result.input, { weight, edge: weight > 1 });
    }
    drawMap(made.canvas, null, result.input, { underlay: picture });
    if (next) outline(made.canvas, cellBox(stage.query, next), result.input, { weight: 1 });
    outline(made.canvas, cellBox(stage.query, cell), result.input, { weight: 3 });
    const before = first
      ? { shape: result.input, width: result.arrays.pixels.shape[2] }
      : { shape: result.stages[state.stage - 1].query.shape, width: result.stages[state.stage - 1].width };
    say(ref.partTitle, phrase("embedding_title", { stage: state.stage + 1 }));
    say(ref.partSub, embeddingWords({ before, stage, first }));
    const from = first ? phrase("from_pixels") : phrase("from_stage", { stage: state.stage });
    named(read, from, before.shape);
    named(made, phrase("to_token", { place: shortPlace(cell) }), stage.query.shape);
    say(ref.partFacts, embeddingFacts({ before, stage, first, share: shared(stage.query) }));
  }

  /** Every class's evidence side by side, each with its own colour range. */
  function drawClassifier() {
    const { result, state } = explorer;
    const { last } = result;
    say(ref.partTitle, phrase("classifier"));
    say(ref.partSub, classifierWords({ width: last.width, classes: result.header.classes, cls: last.cls }));
    const facts = [phrase("evidence_scales", { adds: addsWord(state.paint) }), ...(last.cls ? [phrase("evidence_direct")] : [])];
    say(ref.partFacts, classEvidence(result, 0) ? facts.join(" ") : "");
    fitAll(
      classes.map((each) => each.canvas),
      result.aspect,
    );
    classes.forEach((each, which) => {
      const map = evidenceMap(result, which);
      if (!map) return;
      paintEvidence(each.canvas, map, result, state, {
        opacity: state.opacity,
        underlay: (width, height) => result.underlay(width, height),
      });
      for (const cell of classRegion(result, which)?.cells ?? [])
        outline(each.canvas, cellBox(map.grid, cellOf(map.grid, cell)), result.input, { weight: 1 });
      say(each.size, phrase("evidence_parts", { places: signed(map.places), rest: signed(map.rest) }));
      say(each.value, percent(result.header.top[which].probability));
      each.canvas.setAttribute("aria-hidden", "true"); // the caption says it
      each.button.setAttribute("aria-pressed", which === state.which);
    });
  }

  return { draw };
}
