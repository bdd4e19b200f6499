// Values → canvas. Maps are painted at grid resolution, then scaled onto the input by their geometry, with sharp cell edges.

import { table } from "./colour.js";
import { cellBox, cellOf, gridBox } from "./geometry.js";

/**
 * @typedef {object} Drawn a map: numbers with their range and colour map, or colours
 * @property {import("./geometry.js").Grid} grid
 * @property {ArrayLike<number>} [values]
 * @property {number} [low]
 * @property {number} [high]
 * @property {string} [colours]
 * @property {Uint8Array} [rgb]
 */

/**
 * A canvas's drawing context.
 * @param {HTMLCanvasElement} canvas
 */
export const penOf = (canvas) => /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));

const LIGHT = "#ffd21a";
const LIGHT_EDGE = "#fff1a8";
const AGAINST = "#2f7bff"; // what subtracts
const AGAINST_EDGE = "#b5d2ff";

const scratches = new Map(); // one small canvas per grid size, painted and read within one call

function scratchFor(rows, columns) {
  const id = `${rows} ${columns}`;
  if (!scratches.has(id)) {
    const canvas = document.createElement("canvas");
    canvas.width = columns;
    canvas.height = rows;
    const context = penOf(canvas);
    const image = context.createImageData(columns, rows);
    scratches.set(id, { canvas, context, image, packed: new Uint32Array(image.data.buffer) });
  }
  return scratches.get(id);
}

/** Numbers → packed colours: `low` is the first of 256 colours, `high` the last. */
export function colourise(packed, values, low, high, colours) {
  const factor = 256 / (high - low || 1);
  for (let index = 0; index < values.length; index++) {
    const step = ((values[index] - low) * factor) | 0;
    packed[index] = colours[step < 0 ? 0 : step > 255 ? 255 : step];
  }
}

/** RGB bytes → packed colours of one opacity. */
export function packRgb(packed, rgb, opacity) {
  const alpha = (Math.round(255 * opacity) << 24) >>> 0;
  for (let index = 0, at = 0; at < rgb.length; index++, at += 3) {
    packed[index] = (alpha | (rgb[at + 2] << 16) | (rgb[at + 1] << 8) | rgb[at]) >>> 0;
  }
}

/** Sets the canvas to the screen's resolution; true if its size changed. `aspect` is width / height. */
export function fit(canvas, aspect) {
  return sized(canvas, canvas.clientWidth, aspect);
}

/** The same for several: all are measured before any changes, so that the page is laid out once. */
export function fitAll(canvases, aspect) {
  const widths = canvases.map((canvas) => canvas.clientWidth);
  canvases.forEach((canvas, index) => sized(canvas, widths[index], aspect));
}

function sized(canvas, width, aspect) {
  if (!width) return false;
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const wanted = [Math.round(width * ratio), Math.round((width / aspect) * ratio)];
  if (canvas.width === wanted[0] && canvas.height === wanted[1]) return false;
  [canvas.width, canvas.height] = wanted;
  return true;
}

/** The window that shows all of an input of [height, width]. */
export const whole = ([height, width]) => ({ top: 0, left: 0, height, width });

/**
 * Draws a map over the whole canvas, which shows the input, or its zoomed `window`.
 * @param {HTMLCanvasElement} canvas
 * @param {Drawn | null} map
 * @param {[number, number]} input
 * @param {{ opacity?: number, smooth?: boolean, window?: import("./geometry.js").Box,
 *   underlay?: (width: number, height: number) => HTMLCanvasElement }} [options]
 */
export function drawMap(canvas, map, input, { opacity = 1, smooth = false, underlay, window: view = whole(input) } = {}) {
  const context = penOf(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (underlay) context.drawImage(underlay(canvas.width, canvas.height), 0, 0);
  if (!map) return;
  const [rows, columns] = map.grid.shape;
  const scratch = scratchFor(rows, columns);
  if (map.rgb) packRgb(scratch.packed, map.rgb, opacity);
  else colourise(scratch.packed, map.values, map.low, map.high, table(map.colours, opacity));
  scratch.context.putImageData(scratch.image, 0, 0);
  const { top, left, height, width } = gridBox(map.grid);
  const [y, x] = [canvas.height / view.height, canvas.width / view.width];
  context.imageSmoothingEnabled = smooth;
  context.imageSmoothingQuality = "high";
  context.drawImage(scratch.canvas, (left - view.left) * x, (top - view.top) * y, width * x, height * y);
}

const DIMMED = 0.42; // how much darker the photograph is where nothing special is attended
const BRIGHT = 3; // × uniform from which light is full, at least: below, a map would make much of nothing

/**
 * A weight as light: 0 at uniform or below, 1 at `top` (both in multiples of uniform).
 * @param {number} ratio
 * @param {number} top
 */
export const lightOf = (ratio, top) => Math.min(1, Math.max(0, (ratio - 1) / (Math.max(top, BRIGHT) - 1)));

/** The cell's box on the input as light falls on it: a cell at the border reaches the border. */
export function lightBox(grid, cell, [rows, columns]) {
  const box = cellBox(grid, cell);
  const [last, end] = [grid.shape[0] - 1, grid.shape[1] - 1];
  const top = cell.row === 0 ? Math.min(0, box.top) : box.top;
  const left = cell.column === 0 ? Math.min(0, box.left) : box.left;
  const bottom = cell.row === last ? Math.max(rows, box.top + box.height) : box.top + box.height;
  const right = cell.column === end ? Math.max(columns, box.left + box.width) : box.left + box.width;
  return { top, left, height: bottom - top, width: right - left };
}

/**
 * Draws a map as light on a photograph: dimmed where nothing special is, bright, tinted and outlined where something is.
 * @param {HTMLCanvasElement} canvas
 * @param {{ grid: import("./geometry.js").Grid, values: ArrayLike<number>, light: (value: number) => number } | null} map `light`: how
 *   bright a value is, up to 1; below 0 it counts against, and has another tint
 * @param {[number, number]} input
 * @param {{ window?: import("./geometry.js").Box, opacity?: number,
 *   underlay?: (width: number, height: number) => HTMLCanvasElement }} [options]
 */
export function drawLight(canvas, map, input, { window: view = whole(input), opacity = 1, underlay } = {}) {
  const context = penOf(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (underlay) context.drawImage(underlay(canvas.width, canvas.height), 0, 0);
  if (!map) return;
  const [y, x] = [canvas.height / view.height, canvas.width / view.width];
  const lit = [];
  context.fillStyle = `rgba(0,0,0,${DIMMED * opacity})`;
  for (let index = 0; index < map.values.length; index++) {
    const light = map.light(map.values[index]);
    const box = lightBox(map.grid, cellOf(map.grid, index), input);
    // whole pixels, so that neighbours neither overlap nor leave a line between them
    const left = Math.round((box.left - view.left) * x);
    const above = Math.round((box.top - view.top) * y);
    const width = Math.round((box.left + box.width - view.left) * x) - left;
    const height = Math.round((box.top + box.height - view.top) * y) - above;
    if (left >= canvas.width || above >= canvas.height || left + width <= 0 || above + height <= 0) continue;
    const strength = Math.abs(light);
    if (strength < 1 / 3) {
      context.globalAlpha = 1 - strength * 3;
      context.fillRect(left, above, width, height);
    }
    if (strength > 0.01) lit.push([light, left, above, width, height]);
  }
  for (const [light, left, above, width, height] of lit) {
    const strength = Math.abs(light);
    context.globalAlpha = opacity * (0.08 + 0.5 * strength);
    context.fillStyle = light > 0 ? LIGHT : AGAINST;
    context.fillRect(left, above, width, height);
    const line = Math.max(1, Math.min(width, height) / 28);
    if (strength < 0.08 || width < 6) continue;
    context.globalAlpha = opacity * (0.25 + 0.75 * strength);
    context.strokeStyle = light > 0 ? LIGHT_EDGE : AGAINST_EDGE;
    context.lineWidth = line;
    context.strokeRect(left + line / 2, above + line / 2, width - line, height - line);
  }
  context.globalAlpha = 1;
}

/** Draws a pale tint over a box (in input pixels); overlapping tints add up. */
export function fill(canvas, { top, left, height, width }, view) {
  const context = penOf(canvas);
  const [y, x] = [canvas.height / view.height, canvas.width / view.width];
  context.fillStyle = "rgba(255,255,255,.35)";
  context.fillRect((left - view.left) * x, (top - view.top) * y, width * x, height * y);
}

/**
 * Outlines a box (in input pixels) visibly on any picture: light on a dark edge; dashed for receptive fields.
 * Without `edge` it is one thin light line, for many boxes.
 */
export function outline(canvas, box, input, { dashed = false, weight = 2, edge = true, window: view = whole(input) } = {}) {
  const context = penOf(canvas);
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const [y, x] = [canvas.height / view.height, canvas.width / view.width];
  const inset = ratio; // a box at the picture's edge stays visible
  const left = Math.max(inset, (box.left - view.left) * x);
  const top = Math.max(inset, (box.top - view.top) * y);
  const right = Math.min(canvas.width - inset, (box.left + box.width - view.left) * x);
  const bottom = Math.min(canvas.height - inset, (box.top + box.height - view.top) * y);
  if (right <= left || bottom <= top) return;
  context.setLineDash(dashed ? [4 * ratio, 4 * ratio] : []);
  const stroke = (style, width) => {
    context.strokeStyle = style;
    context.lineWidth = width * ratio;
    context.strokeRect(left, top, right - left, bottom - top);
  };
  if (edge) stroke("rgba(0,0,0,.8)", weight + (dashed ? 1 : 2));
  stroke("#fff", weight);
  context.setLineDash([]);
}
