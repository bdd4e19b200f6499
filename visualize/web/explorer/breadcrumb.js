// The way to what is open, from the model to the inside of a block; each step leads back to itself.

import { make } from "../shared/dom.js";

/** Connects the breadcrumb; returns what keeps it in step with what is open. */
export function breadcrumb(explorer, ref, signal) {
  let drawn = "";
  ref.insidePart.addEventListener("toggle", () => explorer.invalidate(), { signal });

  /** [what it is called, what leads there, null for what is open now]. */
  function steps() {
    const { state } = explorer;
    const [stage, block] = [`Stage ${state.stage + 1}`, `Block ${state.blocks[state.stage] + 1}`];
    const up = () => explorer.raise();
    if (state.part === "classifier")
      return [
        ["Model", up],
        ["Classifier", null],
      ];
    if (state.part === "embedding")
      return [
        ["Model", up],
        [stage, up],
        ["Conv embedding", null],
      ];
    const inside = ref.insidePart.open && !ref.insidePart.hidden;
    if (inside)
      return [
        ["Model", up],
        [stage, up],
        [block, up],
        [`Inside: ${state.projection} projection`, null],
      ];
    return [
      ["Model", null],
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
    const back = found.some(([, lead]) => lead) ? [make("span", { text: "Escape leads back." })] : [];
    const between = () => make("span", { "aria-hidden": "true", text: "›" });
    ref.crumbs.replaceChildren(...items.flatMap((each, index) => (index ? [between(), each] : [each])), ...back);
  }

  return { draw };
}
