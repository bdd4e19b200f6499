// The breadcrumb to the open part, from the model to the inside of a block.

import { make } from "../shared/dom.js";
import { projectionWords } from "../words/inside.js";
import { phrase } from "../words/phrase.js";

/**
 * Connects the breadcrumb; returns the function that updates it.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function breadcrumb(explorer, ref) {
  let drawn = "";

  /** [label, action, null for the open part]. */
  function steps() {
    const { state } = explorer;
    const up = () => explorer.raise();
    const model = phrase("model");
    if (state.part === "classifier")
      return [
        [model, up],
        [phrase("classifier"), null],
      ];
    const stage = phrase("stage", { stage: state.stage + 1 });
    if (state.part === "embedding")
      return [
        [model, up],
        [stage, up],
        [phrase("embedding"), null],
      ];
    const block = phrase("block", { block: state.blocks[state.stage] + 1 });
    if (state.depth === "inside")
      return [
        [model, up],
        [stage, up],
        [block, up],
        [projectionWords(state.projection), null],
      ];
    return [
      [model, up],
      [stage, null],
      [block, null],
    ];
  }

  function draw() {
    const found = steps();
    const wanted = found.map(([name]) => name).join("|");
    if (wanted === drawn) return;
    drawn = wanted;
    const items = found.map(([name, lead]) =>
      lead ? make("button", { type: "button", text: name, onclick: lead }) : make("b", { text: name }),
    );
    items.at(-1).setAttribute("aria-current", "true");
    const back = found.some(([, lead]) => lead) ? [make("span", { text: phrase("back") })] : [];
    const between = () => make("span", { "aria-hidden": "true", text: "›" });
    ref.crumbs.replaceChildren(...items.flatMap((each, index) => (index ? [between(), each] : [each])), ...back);
  }

  return { draw };
}
