// The picture: draws the choices over it, and handles pointer, touch and keys.

import { cellAt, cellBox, cellOf, clipped, fieldBox } from "../shared/geometry.js";
import { cellsOf } from "./cells.js";
import { drawMap, fit, lightBox, outline, whole } from "../shared/draw.js";
import { LAYERS } from "./layers.js";
import { queryOf } from "./views.js";
import { asShown, followed, moved, windowOf } from "./state.js";
import { say } from "../shared/dom.js";
import { wholePicture } from "./whole.js";
import { sides } from "../words/format.js";
import { phrase } from "../words/phrase.js";
import { zoom } from "./zoom.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/**
 * Connects the picture's elements to an explorer; returns what draws it.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function picture(explorer, ref, signal) {
  const { picture: element, base, overlay, chip } = ref;
  const inset = wholePicture(explorer, ref);
  let drawn = null; // content of the base canvas
  const touch = window.matchMedia("(hover: none)");

  const at = (event) => {
    const box = element.getBoundingClientRect();
    const { input } = explorer.result;
    const view = windowOf(explorer.state, input);
    const y = view.top + ((event.clientY - box.top) / box.height) * view.height;
    const x = view.left + ((event.clientX - box.left) / box.width) * view.width;
    return { y: Math.min(input[0] - 0.01, Math.max(0, y)), x: Math.min(input[1] - 0.01, Math.max(0, x)), cls: false };
  };
  const hear = (type, listener) => element.addEventListener(type, (event) => explorer.result && listener(event), { signal });

  const zooming = zoom(explorer, element, signal);
  hear("pointermove", (event) => {
    if (zooming.moves(event)) return;
    // A finger or a pressed button drags the token; a hovering mouse moves it unless it is held.
    if (event.buttons || !explorer.state.pinned) explorer.set({ ...at(event), ...(event.buttons ? {} : { pinned: false }) });
  });
  hear("pointerdown", (event) => {
    element.setPointerCapture?.(event.pointerId);
    if (zooming.begins(event)) return;
    if (event.pointerType === "touch")
      explorer.set(at(event)); // a finger does not hover, so holding has no use
    else if (explorer.state.zoom === 1) explorer.set({ ...at(event), pinned: true });
  });
  hear("pointerup", (event) => {
    // a zoomed picture is dragged, so that only a click without a drag chooses the token
    if (!zooming.ends(event) && event.pointerType !== "touch" && explorer.state.zoom > 1) explorer.set({ ...at(event), pinned: true });
  });
  hear("keydown", (event) => {
    const step = STEPS[event.key];
    if (step) {
      const grid = explorer.result.stages[explorer.state.stage].query;
      const next = moved(explorer.state, grid, ...step.map((each) => each * (event.shiftKey ? 4 : 1)));
      explorer.set(followed(next, explorer.result.input));
    } else if (event.key === "Enter" || event.key === " ") explorer.set({ pinned: !explorer.state.pinned });
    else if (event.key === "Escape" && explorer.state.pinned) explorer.set({ pinned: false });
    else if (zooming.keys(event)) return event.preventDefault();
    else return;
    event.preventDefault();
  });

  function drawBase(view) {
    const { result, state } = explorer;
    const wanted = `${base.width} ${base.height} ${state.pixels} ${view.top} ${view.left} ${view.height}`;
    if (drawn?.result === result && drawn.wanted === wanted) return;
    result.drawPicture(base, view, state.pixels);
    drawn = { result, wanted };
  }

  /** The chosen layer, then outlines: the query is outlined, keys are filled. */
  function draw() {
    const { result } = explorer;
    const state = asShown(explorer.state);
    const view = windowOf(state, result.input);
    drawBase(view);
    drawLayers(overlay, view);
    const who = LAYERS[state.layer].who(result, state);
    const hint = state.pinned ? "pinned" : touch.matches ? "chip_touch" : "chip_mouse";
    say(chip, who && !state.pinned ? who : [who, phrase(hint)].filter(Boolean).join(" · "));
  }

  /** Draws all overlays onto any canvas. */
  function drawLayers(canvas, view = whole(explorer.result.input)) {
    const { result } = explorer;
    const state = asShown(explorer.state);
    const stage = result.stages[state.stage];
    const options = { opacity: state.opacity, smooth: state.smooth, window: view };
    const layer = explorer.preview ? LAYERS.features : LAYERS[state.layer];
    const map = explorer.preview ?? layer.map(result, state);
    if (layer.paint) layer.paint(canvas, map, result, state, options);
    else drawMap(canvas, map, result.input, options);
    const region = layer.region?.(result, state);
    const marks = layer.marks(state);
    const { cell, keyCell, cls } = queryOf(stage, state);
    const box = (each, more = {}) => outline(canvas, each, result.input, { window: view, ...more });
    if (region) {
      // as it is filled
      const lit = (each) => (state.paint === "light" ? lightBox(region.grid, each, result.input) : cellBox(region.grid, each));
      for (const each of region.cells) box(lit(cellOf(region.grid, each)), { weight: 1 });
      return box(lit(cellAt(region.grid, state.y, state.x)), { weight: 3 });
    }
    if (!marks || (cls && layer === LAYERS.attention)) return;
    if (marks === "key") box(cellBox(stage.key, keyCell));
    else {
      const chain = state.ancestors ? explorer.ancestry.chain(cell) : { windows: [], pixels: true };
      if (state.ancestors) {
        for (const window of [...chain.windows].reverse()) {
          const near = window.stage === state.stage - 1;
          for (const each of cellsOf(result.stages[window.stage].query, window)) box(each, { weight: near ? 2 : 1, edge: near });
        }
      }
      if (chain.pixels) box(clipped(fieldBox(stage.query, cell), result.input), { dashed: true, weight: 1 });
      box(cellBox(stage.query, cell), { weight: state.ancestors ? 3 : 2 });
    }
  }

  /** After a new result or another size of the window. */
  function resize() {
    const { result } = explorer;
    if (!result) return;
    element.style.aspectRatio = `${result.aspect}`;
    element.style.setProperty("--cvt-aspect", `${result.aspect}`);
    for (const canvas of [base, overlay]) if (fit(canvas, result.aspect)) drawn = null;
    say(ref.pixelsSize, `(${sides(result.input)})`);
    inset.draw();
  }

  return { draw, drawLayers, resize, view: () => windowOf(explorer.state, explorer.result.input) };
}
