// The sums over all stages, beside the baseline's, and where the cost goes, part by part.

import { make, say } from "../shared/dom.js";
import { pair } from "./scale.js";
import { change, inBytes, inWords, share } from "./words.js";

const TOTALS = [
  ["parameters", "Parameters", inWords],
  ["macs", "Multiply-adds", inWords],
  ["activation_bytes", "Activation memory", inBytes],
  ["attention_entries", "Attention weights", inWords],
];

const PARTS = [
  ["embedding", "Embedding"],
  ["projections", "Projections"],
  ["attention", "Attention"],
  ["mlp", "MLP"],
];

/** Connects the strip of sums; `draw` shows two architectures. */
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
      element.title = `Baseline: ${words(before)}`;
    }
  }
  return { draw };
}

/** The parts of every stage in order, and the classifier, as [{ place, label, parts: [{ label, value }], total }]. */
export function breakdownOf(costs, measure) {
  const rows = costs.stages.map((stage, index) => {
    const parts = PARTS.map(([name, label]) => ({ label, value: stage.parts[name][measure] }));
    if (stage.parts.norms[measure]) parts.push({ label: "Norms", value: stage.parts.norms[measure] });
    return { place: index, label: `Stage ${index + 1}`, parts, total: stage[measure] };
  });
  const value = costs.classifier[measure];
  return [...rows, { place: CLASSIFIER, label: "Classifier", parts: [{ label: "Classifier", value }], total: value }];
}

const CLASSIFIER = "classifier"; // the place of what comes after the stages
const LETTER = 6.8; // px of a letter of the small size, and a little more
const EDGES = 1.5; // letters that the edges of a bar take

/** What has room in a bar of so many letters: name and share, or the name, or nothing. */
export const fitting = (label, words, letters) => [words, label].find((each) => each.length + EDGES < letters) ?? "";

/** Connects the breakdown: for each stage two bars to one scale, cut into parts that carry their own names. */
export function breakdown(root) {
  function draw(baseline, variant, measure) {
    const room = Math.max(120, root.clientWidth - 240) / LETTER; // letters over a whole bar
    const [before, now] = [baseline, variant].map((each) => breakdownOf(each, measure));
    const most = Math.max(...[...before, ...now].map((each) => each.total));
    const all = [baseline[measure], variant[measure]];
    const longer = now.length < before.length ? before : now; // the classifier comes last in both
    root.replaceChildren(
      ...longer.map(({ place, label }) => {
        const bars = [before, now].map((rows, index) =>
          bar(
            rows.find((each) => each.place === place),
            most,
            all[index],
            index,
            room,
          ),
        );
        return make("div", { class: "cvt-lab-part" }, make("b", { text: label }), ...bars);
      }),
    );
  }
  return { draw };
}

function bar(row, most, all, index, room) {
  const who = index ? "Variant" : "Baseline";
  if (!row) return make("p", { class: "cvt-lab-line cvt-sub", text: `${who}: none` });
  const pieces = row.parts
    .filter((each) => each.value)
    .map(({ label, value }) => {
      const words = `${label} ${share(value, all)}`;
      const length = value / most;
      return make(
        "i",
        { style: `--share:${length}`, title: `${row.label}, ${words}: ${inWords(value)}` },
        row.parts.length < 2 ? "" : fitting(label, words, length * room),
      );
    });
  const spoken = row.parts.map(({ label, value }) => `${label} ${inWords(value)}`).join(", ");
  return make(
    "div",
    { class: `cvt-lab-line ${index ? "cvt-lab-now" : "cvt-lab-before"}`, role: "img", "aria-label": `${who}, ${row.label}: ${spoken}` },
    make("span", { class: "cvt-lab-pieces" }, ...pieces),
    make("span", { class: "cvt-lab-amount", text: `${inWords(row.total)} · ${share(row.total, all)}` }),
  );
}
