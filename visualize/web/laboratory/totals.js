// The totals, next to the baseline's, and the costs of each part.

import { make, say } from "../shared/dom.js";
import { buttons } from "../shared/offer.js";
import { pair } from "./scale.js";
import { change, inBytes, inWords, share } from "../words/laboratory.js";
import { phrase } from "../words/phrase.js";

/** @type {[string, string, (count: number) => string][]} */
const TOTALS = [
  ["parameters", phrase("parameters"), inWords],
  ["macs", phrase("macs"), inWords],
  ["activation_bytes", phrase("activation_bytes"), inBytes],
  ["attention_entries", phrase("attention_weights"), inWords],
];

const PARTS = [
  ["embedding", phrase("part_embedding")],
  ["projections", phrase("part_projections")],
  ["attention", phrase("part_attention")],
  ["mlp", phrase("part_mlp")],
];

/** Connects the strip of totals; `draw` shows two architectures. */
export function totals(root) {
  const tiles = TOTALS.map(([name, label, words]) => {
    const [value, difference] = [make("b"), make("span", { class: "cvt-lab-change" })];
    const bars = [make("i"), make("i", { class: "cvt-lab-now" })];
    const element = make(
      "div",
      { "data-total": name },
      make("span", { class: "cvt-lab-name", text: label }),
      value,
      difference,
      make("span", { class: "cvt-lab-bars", "aria-hidden": "true" }, ...bars),
    );
    return { name, words, value, difference, bars, element };
  });
  root.replaceChildren(...tiles.map((each) => each.element));

  function draw(baseline, variant) {
    for (const { name, words, value, difference, bars, element } of tiles) {
      const [before, now] = [baseline[name], variant[name]];
      say(value, words(now));
      say(difference, change(now, before));
      pair(before, now, Math.max(before, now)).forEach((length, index) => bars[index].style.setProperty("--share", length));
      element.toggleAttribute("data-changed", before !== now);
      element.title = phrase("baseline_value", { value: words(before) });
    }
  }
  return { draw };
}

/** The parts of every stage in order, and the classifier, as [{ place, label, parts: [{ label, value }], total }]. */
export function breakdownOf(costs, measure) {
  const rows = costs.stages.map((stage, index) => {
    const parts = PARTS.map(([name, label]) => ({ label, value: stage.parts[name][measure] }));
    if (stage.parts.norms[measure]) parts.push({ label: phrase("part_norms"), value: stage.parts.norms[measure] });
    return { place: index, label: phrase("stage", { stage: index + 1 }), parts, total: stage[measure] };
  });
  const value = costs.classifier[measure];
  const label = phrase("classifier");
  return [...rows, { place: CLASSIFIER, label, parts: [{ label, value }], total: value }];
}

const CLASSIFIER = "classifier"; // the place after the stages
const LETTER = 6.8; // px per letter of the small size, with a margin
const EDGES = 1.5; // width of a bar's edges in letters

/** The text that fits into a bar of this many letters: name and share, the name, or nothing. */
export const fitting = (label, words, letters) => [words, label].find((each) => each.length + EDGES < letters) ?? "";

/**
 * Connects the breakdown: for each stage two bars to one scale, split into labelled parts. `draw` shows it if it is in view.
 * @param {import("./laboratory.js").Laboratory} laboratory
 */
export function breakdown(laboratory, ref, { signal }) {
  const { breakdown: root, measures } = ref;
  let measure = "macs";

  function draw() {
    if (!root.clientWidth) return;
    const both = laboratory.pair;
    const room = Math.max(120, root.clientWidth - 240) / LETTER; // letters that fit into the longest bar
    const [before, now] = both.map((each) => breakdownOf(each, measure));
    const most = Math.max(...[...before, ...now].map((each) => each.total));
    const longer = now.length < before.length ? before : now; // the classifier comes last in both
    const barOf = (rows, place, index) =>
      bar(
        rows.find((each) => each.place === place),
        most,
        both[index][measure],
        index,
        room,
      );
    root.replaceChildren(
      ...longer.map(({ place, label }) =>
        make(
          "div",
          { class: "cvt-lab-part" },
          make("b", { text: label }),
          ...[before, now].map((rows, index) => barOf(rows, place, index)),
        ),
      ),
    );
    for (const each of measures.children) each.setAttribute("aria-pressed", each.dataset.value === measure);
    say(ref.breakdownNote, phrase("breakdown", { measure: phrase(measure === "macs" ? "macs" : "parameters").toLowerCase() }));
  }

  measures.replaceChildren(...buttons("measure", { macs: phrase("macs"), parameters: phrase("parameters") }));
  measures.addEventListener(
    "click",
    ({ target }) => {
      measure = target.dataset.value ?? measure;
      draw();
    },
    { signal },
  );
  const watcher = new ResizeObserver(draw); // its text depends on its width, and it may be in a closed drawer
  watcher.observe(root);
  signal.addEventListener("abort", () => watcher.disconnect());
  return { draw };
}

function bar(row, most, all, index, room) {
  if (!row) return make("p", { class: "cvt-lab-line cvt-sub", text: phrase(index ? "variant_none" : "baseline_none") });
  const pieces = row.parts
    .filter((each) => each.value)
    .map(({ label, value }) => {
      const named = { part: label, share: share(value, all) };
      const length = value / most;
      return make(
        "i",
        { style: `--share:${length}`, title: phrase("part_title", { ...named, place: row.label, amount: inWords(value) }) },
        row.parts.length < 2 ? "" : fitting(label, phrase("part_share", named), length * room),
      );
    });
  const parts = row.parts.map(({ label, value }) => phrase("part_spoken", { part: label, amount: inWords(value) })).join(", ");
  const spoken = phrase("bar_spoken", { side: phrase(index ? "variant" : "baseline"), place: row.label, parts });
  return make(
    "div",
    { class: `cvt-lab-line ${index ? "cvt-lab-now" : "cvt-lab-before"}`, role: "img", "aria-label": spoken },
    make("span", { class: "cvt-lab-pieces" }, ...pieces),
    make("span", { class: "cvt-lab-amount", text: phrase("bar_amount", { amount: inWords(row.total), share: share(row.total, all) }) }),
  );
}
