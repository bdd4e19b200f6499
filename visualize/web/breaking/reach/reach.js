// "How far does it look?": the distance of every head's attention over depth, and what moves the token under the pointer.

import { drawLight, fit, lightOf, outline } from "../../shared/draw.js";
import { make, say, svg } from "../../shared/dom.js";
import { cellAt, centre, fieldBox } from "../../shared/geometry.js";
import { rove } from "../../shared/rove.js";
import { placeWords } from "../../words/breaking.js";
import { number } from "../../words/format.js";
import { phrase } from "../../words/phrase.js";
import { distanceWords, fieldWords, headWords, pixelWords, plotWords } from "../../words/reach.js";
import { axes, cut, sized } from "../plot.js";
import { plotTable } from "../table.js";

const PAUSE = 200; // ms that a token must stay before its field is computed

/**
 * @param {HTMLElement} root
 * @param {import("../experiments.js").Context} context
 */
export function mount(root, context) {
  const chart = make("div", { class: "cvt-plot-chart" });
  const note = make("p", { class: "cvt-sub", text: phrase("reach_note"), hidden: true });
  const canvas = make("canvas", { role: "img", "aria-label": phrase("reach_field_none") });
  const sentence = make("p", { "aria-live": "polite", text: phrase("reach_field_none") });
  const legend = make("p", { class: "cvt-sub" });
  const words = make("div", {}, make("h4", { text: phrase("reach_field_name") }), sentence, legend);
  const below = make("div", {});
  root.replaceChildren(chart, note, make("div", { class: "cvt-reach-field" }, canvas, words), below);
  let [stop, timer, busy] = [() => {}, 0, false];
  let wanted = ""; // the token whose field is shown or awaited
  let able = true; // whether fields can be computed here
  const unable = (reason) => {
    able = false;
    say(sentence, reason);
  };

  const shown = () => /** @type {any} */ (context.shown());

  async function update() {
    busy = true;
    wanted = "";
    clearTimeout(timer);
    context.tell(phrase("reach_waiting"));
    const { result } = shown();
    const answer = await context.run("distance");
    busy = false;
    if (context.signal.aborted || result !== context.shown()?.result) return;
    if (answer) draw(answer);
    look();
  }

  function draw(answer) {
    stop();
    note.hidden = false;
    below.replaceChildren(table(answer, choose));
    stop = sized(chart, (width, size) => chart.replaceChildren(plot(answer, width, size, choose)));
    context.tell(distanceWords(answer));
    rove(root);
  }

  /** Shows a head's attention on the picture; all of it from 0. */
  function choose(stage, block, head) {
    const { state } = shown();
    const put = (values, value) => values.map((each, index) => (index === stage ? value : each));
    context.set({ part: "stage", layer: "attention", stage, blocks: put(state.blocks, block), heads: put(state.heads, head) });
  }

  /** The token under the pointer, or the one that is held: its stage, and its row and column from 1; 0 for the cls token. */
  function token() {
    const { result, state } = shown();
    const stage = result.stages[state.stage];
    const { row, column } = cellAt(stage.query, state.y, state.x);
    const cls = state.cls && stage.cls;
    return { stage: state.stage + 1, row: cls ? 0 : row + 1, column: cls ? 0 : column + 1 };
  }

  function look() {
    clearTimeout(timer);
    timer = setTimeout(field, PAUSE);
  }

  async function field() {
    if (!able || busy || context.signal.aborted || !context.shown()) return;
    const asked = token();
    if (JSON.stringify(asked) === wanted) return;
    wanted = JSON.stringify(asked);
    const { result } = shown();
    const answer = await context.run("receptive_field", asked, unable);
    if (context.signal.aborted || result !== context.shown()?.result || wanted !== JSON.stringify(asked)) return;
    if (!answer) return void (wanted = "");
    paint(canvas, answer, result, asked);
    say(sentence, fieldWords(answer, asked.stage));
    canvas.setAttribute("aria-label", fieldWords(answer, asked.stage));
    say(legend, phrase(answer.theoretical ? "reach_field_legend" : "reach_field_legend_cls"));
  }

  return {
    update,
    chosen: look,
    destroy() {
      stop();
      clearTimeout(timer);
    },
  };
}

/** The field as light on the picture; half of it within the solid box, what convolutions reach within the dashed one. */
function paint(canvas, { times, cell, side, theoretical }, result, { stage, row, column }) {
  fit(canvas, result.aspect);
  const values = times.flat();
  const top = [...values].sort((one, two) => one - two)[Math.floor(0.98 * (values.length - 1))];
  /** @type {import("../../shared/geometry.js").Grid} */
  const grid = { shape: [times.length, times[0].length], first: [cell / 2, cell / 2], stride: [cell, cell], field: [cell, cell] };
  const underlay = (width, height) => result.underlay(width, height);
  drawLight(canvas, { grid, values, light: (value) => lightOf(value, top) }, result.input, { underlay });
  if (!theoretical) return;
  const { query } = result.stages[stage - 1];
  const at = { row: row - 1, column: column - 1 };
  const { y, x } = centre(query, at);
  outline(canvas, { top: y - side / 2, left: x - side / 2, height: side, width: side }, result.input);
  outline(canvas, fieldBox(query, at), result.input, { dashed: true });
}

const HEIGHT = 14; // times the font's size
const SPREAD = 0.5; // of a column, over which a block's heads are spread

function plot(answer, width, size, choose) {
  const places = answer.stages.flatMap(({ heads }, stage) => heads.map((_, block) => ({ stage: stage + 1, block: block + 1 })));
  const most = 1.08 * Math.max(...answer.stages.flatMap(({ heads, uniform }) => [uniform, ...heads.flat()]), 1);
  const right = Math.min(10 * size, 0.32 * width);
  const { root, x, y, column, end } = axes({
    width,
    size,
    height: HEIGHT * size,
    right,
    most,
    places,
    name: phrase("reach_distance"),
    spoken: plotWords(answer),
  });
  let index = 0;
  for (const [stage, { heads, uniform }] of answer.stages.entries()) {
    const line = { x1: x(index) - column / 2, x2: x(index + heads.length - 1) + column / 2, y1: y(uniform), y2: y(uniform) };
    root.append(svg("line", { ...line, class: "cvt-reach-uniform" }));
    for (const [block, own] of heads.entries()) {
      for (const [head, value] of own.entries()) {
        const aside = own.length > 1 ? (head / (own.length - 1) - 0.5) * SPREAD * column : 0;
        const { nearest } = answer;
        const first = nearest.stage === stage + 1 && nearest.block === block + 1 && nearest.head === head + 1;
        const dot = svg("circle", { cx: x(index) + aside, cy: y(value), r: (first ? 0.42 : 0.3) * size });
        dot.setAttribute("class", first ? "cvt-reach-head cvt-reach-nearest" : "cvt-reach-head");
        dot.append(svg("title", {}, headWords({ stage: stage + 1, block: block + 1, head: head + 1 }, value)));
        dot.addEventListener("click", () => choose(stage, block, head));
        root.append(dot);
      }
      index += 1;
    }
  }
  const { uniform } = answer.stages[answer.stages.length - 1];
  const name = cut(phrase("reach_uniform"), right - 0.5 * size, size);
  root.append(svg("text", { x: end + 0.5 * size, y: y(uniform) + 0.35 * size }, name));
  return root;
}

/** The numbers; each is a button that shows its head, for the keyboard. */
function table(answer, choose) {
  const rows = answer.stages.flatMap(({ heads, uniform }, stage) =>
    heads.map((own, block) => {
      const buttons = own.map((value, head) => {
        const label = headWords({ stage: stage + 1, block: block + 1, head: head + 1 }, value);
        const button = make("button", { type: "button", class: "cvt-toggle", text: number(value), "aria-label": label });
        button.addEventListener("click", () => choose(stage, block, head));
        return button;
      });
      const name = placeWords({ stage: stage + 1, block: block + 1 });
      const group = make("div", { role: "toolbar", "aria-label": name, class: "cvt-reach-heads" }, ...buttons);
      return { name, cells: [group, pixelWords(uniform)] };
    }),
  );
  const heads = [phrase("reach_after"), phrase("reach_heads"), phrase("reach_alike_column")];
  return plotTable(heads, rows, make("p", { class: "cvt-sub", text: phrase("reach_means") }));
}
