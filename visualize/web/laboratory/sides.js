// Baseline and variant side by side: what each is, and what each says of the picture, compared by the baseline's class.

import { make, say } from "../shared/dom.js";
import { page, PAIR, updateEach } from "../shared/page.js";
import { alike } from "./architecture.js";
import { firstName, nextWords } from "../words/explorer.js";
import { percent } from "../words/format.js";
import { phrase } from "../words/phrase.js";
import { trainedName } from "../words/trained.js";

/** @type {Object<string, "variant_same" | "variant_changed" | "variant_disturbed" | "variant_untrained">} */
const TRAINED = {
  same: "variant_same",
  changed: "variant_changed",
  disturbed: "variant_disturbed",
  untrained: "variant_untrained",
};

/**
 * What both say of the same picture: `before` and `after`, each its most probable class { label, probability }; `after` also with
 * `same`, its probability for the baseline's class. null until both are of the same picture.
 */
export function compared({ view, results }) {
  if (PAIR.some((id) => !view[id] || view[id].result.key !== results[id]?.key)) return null; // still loading
  const [[before], after] = PAIR.map((id) => view[id].result.header.top);
  if (!before || results.baseline.picture !== results.variant.picture) return null;
  return { before, after: { ...after[0], same: after.find(({ label }) => label === before.label)?.probability ?? 0 } };
}

/** The variant's heading. `ran`: the state or the ablation that its picture shows, and how far its weights are trained. */
export function variantName({ state, trained }, about) {
  if ("member" in state) return trainedName(state.member);
  const preset = about.presets.find((each) => alike(state, each));
  if (preset?.name === "own" && trained === "same") return phrase("variant_baseline");
  return phrase(TRAINED[trained], { name: preset?.label ?? phrase("your_variant") });
}

/**
 * Connects the headings, the verdicts and the layers; `draw` shows the page's results.
 * @param {import("./laboratory.js").Laboratory} laboratory
 */
export function sides(laboratory, ref, { signal }) {
  function draw() {
    const { view } = page.state;
    const family = laboratory.trained.nameOf(page.state.results.baseline?.model);
    say(ref.baselineName, family ?? phrase("baseline_name", { model: laboratory.model }));
    say(ref.variantName, variantName(laboratory.ran, laboratory.about));
    for (const each of ref.layers.children) each.setAttribute("aria-pressed", view.baseline?.state.layer === each.dataset.value);
    const top = view.baseline?.result.header.top ?? [];
    const [first] = top;
    if (!first) return;
    verdict(ref.baselineVerdict, first, first.probability, nextWords(top));
    const found = compared(page.state);
    if (!found) return ref.variantVerdict.replaceChildren();
    const { label, probability, same } = found.after;
    const says = phrase("verdict_says", { label: firstName(label), share: percent(probability) });
    verdict(ref.variantVerdict, first, same, label === first.label ? phrase("verdict_same") : says);
  }

  function choose(layer) {
    const shown = page.state.view.baseline;
    if (layer && shown) updateEach("view", { baseline: { ...shown, state: { ...shown.state, layer, part: "stage" } } });
  }

  ref.layers.addEventListener("click", ({ target }) => choose(target.dataset.value), { signal });
  return { draw };
}

function verdict(element, { label }, probability, more) {
  element.replaceChildren(
    make("span", { text: firstName(label), title: label }),
    make("b", { text: percent(probability) }),
    make("i", { "aria-hidden": "true", style: `--share:${probability}` }),
    make("small", { text: more }),
  );
}
