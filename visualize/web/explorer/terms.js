// Draws what a term means on this very picture: the scenes of term_scenes.js on a small canvas.

import { cellOf } from "../shared/geometry.js";
import { drawLight, drawMap, fill, lightBox, lightOf, outline, penOf } from "../shared/draw.js";
import { terms as open } from "../shared/terms.js";
import { scene } from "./term_scenes.js";
import { asShown } from "./state.js";
import { phrase } from "../words/phrase.js";

const SIDES = [236, 124]; // px of a drawing, as in the style
const GAP = 4;
const ROW = 22; // px of a class

/**
 * Opens the terms in an explorer's texts.
 * @param {import("./explorer.js").Explorer} explorer
 * @param {HTMLElement[]} roots
 * @param {AbortSignal} signal
 */
export const terms = (explorer, roots, signal) => open(roots, (term, canvas) => drawTerm(canvas, term, explorer), signal);

/**
 * Draws a term for what an explorer shows, and returns what the drawing shows, in words.
 * @param {HTMLCanvasElement} canvas
 * @param {import("../words/terms.js").Term} term
 * @param {{ result: import("./result.js").Result, state: import("./state.js").Choices } | null | undefined} shown
 */
export function drawTerm(canvas, term, shown) {
  canvas.hidden = !shown?.result;
  if (!shown?.result) return phrase("no_result");
  const found = scene(term, shown.result, asShown(shown.state));
  paint(canvas, found, shown.result, { pixels: shown.state.pixels });
  return found.shows;
}

/**
 * Draws a scene at the screen's resolution; `pixels`: on the pixels that the model gets, `aside`: from the left instead of centred.
 * @param {HTMLCanvasElement} canvas
 * @param {import("./term_scenes.js").Scene} scene
 * @param {import("./result.js").Result} result
 */
export function paint(canvas, { panels, bars, rows }, result, { pixels = false, aside = false } = {}) {
  const [width, height] = SIDES;
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
  [canvas.width, canvas.height] = [width * ratio, height * ratio];
  const context = penOf(canvas);
  context.scale(ratio, ratio);
  const colour = (name) => getComputedStyle(canvas).getPropertyValue(`--cvt-${name}`).trim();
  if (bars) drawBars(context, bars, [width, height], colour);
  if (rows) drawRows(context, rows, width, colour);
  if (!panels) return;
  const views = panels.map((each) => each.window ?? { top: 0, left: 0, height: result.input[0], width: result.input[1] });
  const boxes = laidOut(views, [width, height], aside);
  panels.forEach((each, index) => {
    const box = boxes[index];
    const part = drawPanel(each, views[index], result, box, ratio, pixels);
    context.drawImage(part, box.left, box.top, box.width, box.height);
    if (!each.chosen) return;
    [context.strokeStyle, context.lineWidth] = [colour("accent"), 2];
    context.strokeRect(box.left - 1, box.top - 1, box.width + 2, box.height + 2);
  });
}

/** Places for windows of one shape, in as many rows as make them largest. */
function laidOut(views, [width, height], aside) {
  const [{ width: across, height: down }] = views;
  const sizes = views.map((_, index) => {
    const rows = index + 1;
    const columns = Math.ceil(views.length / rows);
    return {
      columns,
      rows,
      scale: Math.min((width - GAP * (columns - 1) - 2) / columns / across, (height - GAP * (rows - 1) - 2) / rows / down),
    };
  });
  const { columns, rows, scale } = sizes.reduce((best, each) => (each.scale > best.scale ? each : best));
  const [wide, tall] = [across * scale, down * scale];
  const left = aside ? 1 : (width - columns * wide - (columns - 1) * GAP) / 2;
  const top = (height - rows * tall - (rows - 1) * GAP) / 2;
  return views.map((_, index) => ({
    left: left + (index % columns) * (wide + GAP),
    top: top + Math.floor(index / columns) * (tall + GAP),
    width: wide,
    height: tall,
  }));
}

/** @param {import("./term_scenes.js").Panel} panel */
function drawPanel({ map, light, cutout, outlines = [], fills = [], lines = [] }, view, result, box, ratio, pixels) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.max(1, Math.round(box.width * ratio)), Math.max(1, Math.round(box.height * ratio))];
  const context = penOf(canvas);
  context.fillStyle = "#000"; // beyond the picture there are zeros
  context.fillRect(0, 0, canvas.width, canvas.height);
  result.drawPicture(canvas, view, pixels);
  if (map && cutout) keepOnly(canvas, map, view, result.input);
  else if (map) {
    const layer = document.createElement("canvas");
    [layer.width, layer.height] = [canvas.width, canvas.height];
    if (light)
      drawLight(layer, { ...map, light: (weight) => lightOf(weight * map.count, map.high * map.count) }, result.input, { window: view });
    else drawMap(layer, map, result.input, { window: view });
    context.drawImage(layer, 0, 0);
  }
  const small = canvas.width < 60 * ratio;
  for (const each of fills) fill(canvas, each, view);
  for (const { box: each, thin, dashed } of outlines) {
    if (thin) line(canvas, each, view);
    else outline(canvas, each, result.input, { window: view, dashed, weight: small ? 1 : 2 });
  }
  for (const each of lines) arrow(context, each, view, canvas, ratio);
  return canvas;
}

/** Leaves of a picture, in each cell, as much as the cell has of the largest weight. */
function keepOnly(canvas, { grid, values, high }, view, input) {
  const mask = document.createElement("canvas");
  [mask.width, mask.height] = [canvas.width, canvas.height];
  const [y, x] = [canvas.height / view.height, canvas.width / view.width];
  values.forEach((value, index) => {
    const { top, left, height, width } = lightBox(grid, cellOf(grid, index), input);
    penOf(mask).globalAlpha = Math.min(1, value / high);
    penOf(mask).fillRect((left - view.left) * x, (top - view.top) * y, width * x, height * y);
  });
  const context = penOf(canvas);
  context.globalCompositeOperation = "destination-in";
  context.drawImage(mask, 0, 0);
  context.globalCompositeOperation = "source-over";
}

/** A line so thin that many of them leave the picture visible. */
function line(canvas, { top, left, height, width }, view) {
  const context = penOf(canvas);
  const [y, x] = [canvas.height / view.height, canvas.width / view.width];
  [context.strokeStyle, context.lineWidth] = ["rgba(255,255,255,.45)", 1];
  context.strokeRect(Math.round((left - view.left) * x) + 0.5, Math.round((top - view.top) * y) + 0.5, width * x, height * y);
}

function arrow(context, { from, to, share }, view, { width, height }, ratio) {
  const at = ({ y, x }) =>
    /** @type {[number, number]} */ ([((x - view.left) / view.width) * width, ((y - view.top) / view.height) * height]);
  for (const [style, more] of [
    ["rgba(0,0,0,.7)", 2],
    ["#ffd426", 0],
  ]) {
    [context.strokeStyle, context.lineWidth] = [String(style), (1 + 2 * share + Number(more)) * ratio];
    context.beginPath();
    context.moveTo(...at(from));
    context.lineTo(...at(to));
    context.stroke();
  }
}

function drawBars(context, { values, line: at }, [width, height], colour) {
  const most = Math.max(...values, at);
  const wide = width / values.length;
  context.fillStyle = colour("soft");
  values.forEach((value, index) => {
    const tall = (value / most) * (height - 4);
    context.fillRect(index * wide, height - tall, Math.max(0.5, wide - (wide > 3 ? 1 : 0)), tall);
  });
  [context.strokeStyle, context.lineWidth] = [colour("accent"), 2];
  context.setLineDash([5, 4]);
  const y = height - (at / most) * (height - 4);
  context.beginPath();
  context.moveTo(0, y);
  context.lineTo(width, y);
  context.stroke();
}

/** Classes with their probabilities as bars. */
function drawRows(context, rows, width, colour) {
  context.font = "14px system-ui, sans-serif";
  context.textBaseline = "middle";
  rows.forEach(({ label, share, words }, index) => {
    const y = index * (ROW + 2);
    context.fillStyle = colour("fill");
    context.fillRect(0, y, width, ROW);
    context.fillStyle = colour("line");
    context.fillRect(0, y, width * share, ROW);
    context.fillStyle = colour("text");
    const room = width - context.measureText(words).width - 18;
    context.textAlign = "right";
    context.fillText(words, width - 6, y + ROW / 2);
    context.textAlign = "left";
    context.fillText(shortened(context, label, room), 6, y + ROW / 2);
  });
}

function shortened(context, text, room) {
  let found = text;
  while (found && context.measureText(found).width > room) found = `${found.replace(/…$/, "").slice(0, -1)}…`.replace(/^…$/, "");
  return found;
}
