// "When does it decide?": a guess first, then the class probabilities after every block as lines.

import { make, say, svg } from "../../shared/dom.js";
import { placeWords } from "../../words/breaking.js";
import { alignWords, chartWords, decidedWords, guessWords, probeWords, readerWords } from "../../words/decide.js";
import { firstName } from "../../words/explorer.js";
import { percent } from "../../words/format.js";
import { phrase } from "../../words/phrase.js";
import { page } from "../../shared/page.js";
import { apart, axes, cut, sized } from "../plot.js";
import { plotTable } from "../table.js";

let count = 0; // for ids

/**
 * @param {HTMLElement} root
 * @param {import("../experiments.js").Context} context
 */
export function mount(root, context) {
  let stop = () => {};
  let asking = false;

  /** Whether a lesson has asked already. */
  const answered = ({ lesson }) => Boolean(lesson && lesson.phase !== "ask");

  /** All blocks of the shown model, in order of depth, counted from 1. */
  const places = () =>
    /** @type {any} */ (context.shown()).result.stages.flatMap(({ depth }, stage) =>
      Array.from({ length: depth }, (_, block) => ({ stage: stage + 1, block: block + 1 })),
    );

  function ask() {
    stop();
    asking = true;
    const all = places();
    const id = `cvt-decide-${++count}`;
    const slider = make("input", { type: "range", id, min: "0", max: `${all.length - 1}`, step: "1" });
    slider.value = `${Math.floor(all.length / 2)}`;
    const output = make("output", { for: id });
    const follow = () => {
      const words = placeWords(all[slider.valueAsNumber]);
      say(output, words);
      slider.setAttribute("aria-valuetext", words);
    };
    slider.addEventListener("input", follow);
    follow();
    const button = make("button", { type: "button", class: "cvt-toggle", text: phrase("decide_show") });
    button.addEventListener("click", () => look(all, slider.valueAsNumber));
    const label = make("label", { for: id, text: phrase("decide_slider") });
    root.replaceChildren(
      make("p", { text: phrase("decide_ask") }),
      make("div", { class: "cvt-decide-guess" }, label, slider, output, button),
    );
    context.tell(phrase("decide_waiting"));
  }

  /** `guess`: a place's index; null where there is none. */
  async function look(all, guess) {
    asking = false;
    const answer = await context.run("lens"); // pressed again, it begins again
    if (!answer) return;
    const chart = make("div", { class: "cvt-plot-chart" });
    const again = make("button", { type: "button", class: "cvt-toggle", text: phrase("decide_again") });
    again.addEventListener("click", () => {
      ask();
      root.querySelector("input")?.focus();
    });
    const guessed = make(
      "p",
      { class: "cvt-decide-guessed", tabindex: "-1" },
      make("span", { text: guess === null ? "" : guessWords(all, guess, answer.decided) }),
    );
    guessed.append(again);
    const notes = [probeWords(answer), alignWords(answer)].filter(Boolean).map((text) => make("p", { class: "cvt-sub", text }));
    guessed.hidden = guess === null;
    root.replaceChildren(guessed, chart, legend(answer), ...notes, table(answer));
    stop = sized(chart, (width, size) => chart.replaceChildren(draw(answer, width, size)));
    context.tell(decidedWords(answer));
    if (guess !== null) guessed.focus({ preventScroll: true });
  }

  const update = () => (answered(page.state) ? look(places(), null) : ask());
  const leave = page.subscribe((now, before) => asking && answered(now) && !answered(before) && look(places(), null));
  context.signal.addEventListener("abort", leave);
  return { update, destroy: () => stop() };
}

/** The dashed lines are probes; nothing where there are none. */
function legend({ probes }) {
  const sign = (name, text) => make("span", { class: `cvt-decide-${name}` }, make("i", { "aria-hidden": "true" }), text);
  const both = [sign("own", phrase("decide_own")), sign("probes", phrase("decide_probe"))];
  return make("p", { class: "cvt-sub cvt-decide-legend", hidden: !probes }, ...both);
}

const HEIGHT = 17; // times the font's size

function draw(answer, width, size) {
  const { points, classes, decided } = answer;
  const right = Math.min(11 * size, 0.32 * width);
  const name = phrase("decide_probability");
  const plot = axes({ width, size, height: HEIGHT * size, right, most: 100, places: points, name, spoken: chartWords(answer) });
  const probes = points.filter(({ accuracy }) => accuracy !== null).length;
  const turn = points.findIndex(({ stage, block }) => stage === decided.stage && block === decided.block);
  plot.root.append(svg("line", { x1: plot.x(turn), x2: plot.x(turn), y1: plot.y(100), y2: plot.bottom, class: "cvt-decide-turn" }));
  const final = points[points.length - 1].label;
  const ends = apart(
    classes.map(({ probabilities }) => plot.y(100 * probabilities[probabilities.length - 1]) + 0.35 * size),
    1.15 * size,
    plot.bottom + 0.35 * size,
  );
  // the most important is drawn last, over the others
  for (const [index, { label, probabilities }] of [...classes.entries()].reverse()) {
    const kind = label === final ? "final" : label === decided.before ? "before" : "other";
    const at = probabilities.map((each, place) => `${plot.x(place).toFixed(1)} ${plot.y(100 * each).toFixed(1)}`);
    const group = svg("g", { class: `cvt-decide-line cvt-decide-${kind}` });
    // what a probe reads and what the classifier reads are not one line: they are two readers
    if (probes) group.append(svg("path", { d: `M${at.slice(0, probes).join("L")}`, class: "cvt-decide-dashed" }));
    group.append(svg("path", { d: `M${at.slice(probes).join("L")}` }));
    probabilities.forEach((each, place) => {
      const dot = svg("circle", { cx: plot.x(place), cy: plot.y(100 * each), r: 0.22 * size });
      dot.append(svg("title", {}, `${firstName(label)}, ${placeWords(points[place])}: ${percent(each)}`));
      group.append(dot);
    });
    const shown = cut(firstName(label), right - 0.6 * size, size);
    group.append(svg("text", { x: plot.end + 0.6 * size, y: ends[index] }, shown));
    plot.root.append(group);
  }
  return plot.root;
}

function table(answer) {
  const heads = [phrase("decide_after"), phrase("decide_reader"), ...answer.classes.map(({ label }) => firstName(label))];
  const rows = answer.points.map((point, index) => ({
    name: placeWords(point),
    cells: [readerWords(point), ...answer.classes.map(({ probabilities }) => percent(probabilities[index]))],
  }));
  return plotTable(heads, rows);
}
