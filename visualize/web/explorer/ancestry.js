// Where a token comes from: its overlapping ancestors, step by step, beside a ViT's disjoint patches at the same scale.

import { caption, figure, make } from "../shared/dom.js";
import { cellsOf, neighbours } from "./cells.js";
import { fill, fit, outline } from "../shared/draw.js";
import { ancestors, cellBox, clipped, fieldBox } from "../shared/geometry.js";
import { asShown } from "./state.js";
import { queryOf } from "./views.js";
import { overlapWords, patchWords } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";

const STEP = 220; // ms from one stage's ancestors to those of the stage before

/** The part of the input around a box, 1.5 times its size, within the edges: { top, left, height, width }. */
export function surroundings(box, [rows, columns]) {
  const side = (size, all) => Math.min(all, size * 1.5);
  const [height, width] = [side(box.height, rows), side(box.width, columns)];
  const start = (middle, size, all) => Math.min(all - size, Math.max(0, middle - size / 2));
  return { top: start(box.top + box.height / 2, height, rows), left: start(box.left + box.width / 2, width, columns), height, width };
}

/** The share of a field's columns that a neighbouring token sees too. */
export const shared = (grid) => Math.max(0, grid.field[1] - grid.stride[1]) / grid.field[1];

/**
 * Connects the figures below the picture; `shown` is how many steps back to the pixels are drawn.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function ancestry(explorer, ref, signal) {
  const [ours, vit] = [figure(""), figure("")];
  const hide = () => explorer.set({ ancestors: false });
  ref.ancestry.replaceChildren(
    make("div", { class: "cvt-pair" }, ours.element, vit.element),
    make("button", { type: "button", class: "cvt-toggle", text: phrase("hide_ancestors"), onclick: hide }),
  );
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let [shown, timer, on] = [Infinity, 0, ""];

  /** Animates the way from the token back to its pixels, stage by stage; at once if reduced motion is preferred. */
  function play() {
    stop();
    if (still.matches) return;
    shown = 0;
    timer = setInterval(() => {
      shown++;
      if (shown > explorer.state.stage) stop();
      explorer.invalidate();
    }, STEP);
  }

  function stop() {
    clearInterval(timer);
    shown = Infinity;
  }
  signal.addEventListener("abort", stop);

  /** The windows of ancestors that are drawn now, last stage first, and whether the pixels are reached. */
  function chain(cell) {
    const { result, state } = explorer;
    const all = ancestors(result.stages, state.stage, cell);
    return { windows: all.slice(0, shown), pixels: shown > all.length };
  }

  function draw() {
    const { result } = explorer;
    const state = asShown(explorer.state);
    const { cell, cls } = queryOf(result.stages[state.stage], state);
    ref.ancestry.hidden = !state.ancestors || cls;
    // It plays when switched on, for another stage, and for a token that was chosen rather than hovered over.
    const now = ref.ancestry.hidden ? "" : `${state.stage} ${state.pinned ? `${cell.row} ${cell.column}` : ""}`;
    if (now && now !== on) play();
    on = now;
    if (!now) return stop();
    const grid = result.stages[state.stage].query;
    const field = clipped(fieldBox(grid, cell), result.input);
    const view = surroundings(field, result.input);
    for (const { canvas } of [ours, vit]) {
      fit(canvas, view.width / view.height);
      result.drawPicture(canvas, view, state.pixels);
    }
    const next = neighbours(cell, grid.shape).find((each) => each.column !== cell.column);
    const both = next ? [cell, next] : [cell];
    const box = (figure, each, more) => outline(figure.canvas, each, result.input, { window: view, ...more });
    const { windows, pixels } = chain(cell);
    if (pixels) {
      for (const each of both) {
        const whole = clipped(fieldBox(grid, each), result.input);
        fill(ours.canvas, whole, view);
        box(ours, whole, { dashed: true, weight: 1 });
      }
    }
    for (const each of [...windows].reverse()) {
      for (const one of cellsOf(result.stages[each.stage].query, each)) box(ours, one, { weight: 1, edge: each.stage === state.stage - 1 });
    }
    box(ours, cellBox(grid, cell), { weight: 3 });
    for (const each of both) {
      fill(vit.canvas, cellBox(grid, each), view);
      box(vit, cellBox(grid, each), { weight: each === cell ? 3 : 1 });
    }
    for (const [each, words] of [
      [ours, overlapWords(shared(grid), grid.field)],
      [vit, patchWords(grid.stride)],
    ]) {
      caption(each, words, `${words.name}: ${words.value}`);
    }
  }

  return { draw, chain };
}
