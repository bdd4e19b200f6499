// The second picture, lit by a map: what is like the spot in the first one, or what the spot would look at.

import { cellBox, cellOf } from "../../shared/geometry.js";
import { drawLight, fit, lightOf, outline } from "../../shared/draw.js";
import { make } from "../../shared/dom.js";

/** The index of the largest value. */
const largest = (values) => values.reduce((best, value, index) => (value > values[best] ? index : best), 0);

/**
 * The map of an answer to "pair" on the grids of a stage: { grid, values, light, best }, `best` the index of its largest value.
 * Similarity begins to light at its mean, attention at what looking everywhere alike would give.
 */
export function mapOf(answer, stage, shows) {
  if (shows === "alike") {
    const values = answer.similarity.flat();
    const best = largest(values);
    const mean = values.reduce((sum, each) => sum + each, 0) / values.length;
    const range = values[best] - mean || 1;
    return { grid: stage.query, values, best, light: (value) => Math.max(0, (value - mean) / range) ** 2 };
  }
  const values = answer.attention.weights.flat();
  const best = largest(values);
  const keys = values.length + (answer.attention.cls === null ? 0 : 1);
  return { grid: stage.key, values, best, light: (weight) => lightOf(weight * keys, values[best] * keys) };
}

/** A canvas that shows a picture from an address, and a map on it; `pointed` is called with the place in pixels of the input. */
export function litPicture(pointed) {
  const canvas = make("canvas", { role: "img", "aria-label": "" });
  const image = new Image();
  let drawn = /** @type {any} */ (null);
  canvas.addEventListener("click", (event) => {
    if (!drawn) return;
    const box = canvas.getBoundingClientRect();
    const [height, width] = drawn.input;
    pointed({ y: ((event.clientY - box.top) / box.height) * height, x: ((event.clientX - box.left) / box.width) * width });
  });

  function underlay(width, height) {
    const behind = document.createElement("canvas");
    [behind.width, behind.height] = [width, height];
    behind.getContext("2d")?.drawImage(image, 0, 0, width, height);
    return behind;
  }

  /** `marks`: cells of a grid to outline, as { grid, index } or boxes. */
  function draw(shown = drawn) {
    drawn = shown;
    if (!drawn || !image.complete || !image.naturalWidth) return;
    const { map, input, target } = drawn;
    fit(canvas, input[1] / input[0]);
    drawLight(canvas, map, input, { underlay });
    outline(canvas, cellBox(map.grid, cellOf(map.grid, map.best)), input, { weight: 3 });
    if (target) outline(canvas, target, input, { dashed: true });
  }

  image.addEventListener("load", () => draw());
  const watcher = new ResizeObserver(() => draw());
  watcher.observe(canvas);
  return {
    canvas,
    draw,
    show: (address) => (image.src = address),
    stop: () => watcher.disconnect(),
  };
}
