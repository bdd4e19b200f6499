// The picture: drawing what was chosen over it, and hearing pointer, touch and keys.

import { ancestors, cellAt, cellBox, clipped, fieldBox } from "./geometry.js";
import { drawMap, fit, outline } from "./draw.js";
import { attentionMap, attentionTop, featureMap, queryOf } from "./views.js";
import { moved } from "./state.js";
import { say } from "./dom.js";
import { sides } from "./words.js";

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Connects the picture's elements to an explorer; returns what draws it. */
export function picture(explorer, ref, signal) {
  const { picture: element, base, overlay, chip } = ref;
  let drawn = null; // what the base canvas shows

  const at = (event) => {
    const box = element.getBoundingClientRect();
    const { input } = explorer.result;
    const y = ((event.clientY - box.top) / box.height) * input[0];
    const x = ((event.clientX - box.left) / box.width) * input[1];
    return { y: Math.min(input[0] - 0.01, Math.max(0, y)), x: Math.min(input[1] - 0.01, Math.max(0, x)), cls: false };
  };
  const hear = (type, listener) => element.addEventListener(type, (event) => explorer.result && listener(event), { signal });

  hear("pointermove", (event) => {
    // A finger or a pressed button drags the token; a mouse that only hovers moves it unless it is pinned.
    if (event.buttons || !explorer.state.pinned) explorer.set({ ...at(event), ...(event.buttons ? {} : { pinned: false }) });
  });
  hear("pointerdown", (event) => {
    element.setPointerCapture?.(event.pointerId);
    explorer.set({ ...at(event), pinned: true });
  });
  hear("keydown", (event) => {
    const step = STEPS[event.key];
    if (step) {
      const grid = explorer.result.stages[explorer.state.stage].query;
      explorer.set(moved(explorer.state, grid, ...step.map((each) => each * (event.shiftKey ? 4 : 1))));
    } else if (event.key === "Enter" || event.key === " ") explorer.set({ pinned: !explorer.state.pinned });
    else if (event.key === "Escape") explorer.set({ pinned: false });
    else return;
    event.preventDefault();
  });

  function drawBase() {
    const { result, state } = explorer;
    const wanted = `${base.width} ${base.height} ${state.pixels}`;
    if (drawn?.result === result && drawn.wanted === wanted) return;
    base.getContext("2d").drawImage(result.underlay(base.width, base.height, state.pixels), 0, 0);
    drawn = { result, wanted };
  }

  /** The chosen layer, then outlines: the query is outlined, keys are filled. */
  function draw() {
    const { result, state } = explorer;
    const stage = result.stages[state.stage];
    const options = { opacity: state.opacity, smooth: state.smooth };
    drawBase();
    if (state.layer === "features") {
      drawMap(overlay, explorer.preview ?? featureMap(result, state, state.stage), result.input, options);
    } else if (state.layer === "attention" && !explorer.preview) {
      const map = attentionMap(result, state, state.stage);
      const top = map && attentionTop(result, state, state.stage, map);
      drawMap(overlay, map && { ...map, low: 0, high: top, colours: state.colours }, result.input, options);
    } else drawMap(overlay, explorer.preview ?? null, result.input, options);
    const { cell, keyCell, cls } = queryOf(stage, state);
    const received = state.layer === "attention" && state.view === "received";
    const mean = state.layer === "attention" && state.view === "mean";
    if (state.ancestors && !cls) drawAncestors(cell);
    else if (!cls && !mean && !received) outline(overlay, fieldBox(stage.query, cell), result.input, { dashed: true, weight: 1 });
    if (!cls && !mean) {
      const [grid, where] = received ? [stage.key, keyCell] : [stage.query, cell];
      outline(overlay, cellBox(grid, where), result.input);
    }
    chip.hidden = !(cls || state.pinned || mean);
    say(chip, [cls ? "cls token" : mean ? "all tokens" : "", state.pinned ? "pinned · Esc" : ""].filter(Boolean).join(" · "));
  }

  /** The overlapping windows of earlier tokens that make this one, next to the disjoint patch that a ViT would give it. */
  function drawAncestors(cell) {
    const { result, state } = explorer;
    for (const window of ancestors(result.stages, state.stage, cell).reverse()) {
      const { query } = result.stages[window.stage];
      for (let row = window.top; row <= window.bottom; row++) {
        for (let column = window.left; column <= window.right; column++) {
          outline(overlay, cellBox(query, { row, column }), result.input, { weight: window.stage === state.stage - 1 ? 1 : 0.5 });
        }
      }
    }
    outline(overlay, clipped(fieldBox(result.stages[state.stage].query, cell), result.input), result.input, { dashed: true, weight: 1 });
  }

  /** After a new result or another size of the window. */
  function resize() {
    const { result } = explorer;
    if (!result) return;
    element.style.aspectRatio = `${result.aspect}`;
    element.style.setProperty("--cvt-aspect", `${result.aspect}`);
    for (const canvas of [base, overlay]) if (fit(canvas, result.aspect)) drawn = null;
    say(ref.pixelsLabel, `Pixels the model got (${sides(result.input)})`);
  }

  return { draw, resize, cell: () => cellAt(explorer.result.stages[explorer.state.stage].query, explorer.state.y, explorer.state.x) };
}
