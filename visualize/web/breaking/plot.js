// A plot over the depth of a model: its blocks from left to right, its stages as bands. Drawn at the size that it has, so that its text
// has the page's size.

import { svg } from "../shared/dom.js";
import { phrase } from "../words/phrase.js";

const LETTER = 0.56; // of the font's size: about the width of a letter

/**
 * Calls `draw` with an element's width and font size, at once and whenever the width changes. Returns what ends that.
 * @param {HTMLElement} element
 * @param {(width: number, size: number) => void} draw
 */
export function sized(element, draw) {
  let last = 0;
  const look = () => {
    const width = Math.floor(element.clientWidth);
    if (!width || width === last) return;
    last = width;
    draw(width, parseFloat(getComputedStyle(element).fontSize));
  };
  const watcher = new ResizeObserver(look);
  watcher.observe(element);
  look();
  return () => watcher.disconnect();
}

/** A text that fits into a width, with an ellipsis where it does not. */
export const cut = (text, width, size) => {
  const most = Math.max(3, Math.floor(width / (LETTER * size)));
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
};

/** Heights for labels that want to lie at some heights, at least `gap` apart and above `bottom`; in their order. */
export function apart(wanted, gap, bottom) {
  const order = wanted.map((_, index) => index).sort((one, two) => wanted[one] - wanted[two]);
  const found = [];
  let last = -Infinity;
  for (const index of order) found[index] = last = Math.max(wanted[index], last + gap);
  let next = bottom + gap;
  for (const index of order.reverse()) found[index] = next = Math.min(found[index], next - gap);
  return found;
}

/** Round numbers from 0 that lie at most `count` apart below `most`. */
export function ticks(most, count = 5) {
  const raw = most / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * (raw > 5 * power ? 10 : raw > 2 * power ? 5 : raw > power ? 2 : 1);
  return Array.from({ length: Math.floor(most / step + 1e-9) + 1 }, (_, index) => index * step);
}

/**
 * Axes and bands. Returns the drawing, and where a block (its index) and a value lie in it.
 * @param {{ width: number, size: number, height: number, right: number, most: number, places: { stage: number, block: number }[],
 *   name: string, spoken: string }} options `right`: room for labels, in pixels; `name`: what the values are
 */
export function axes({ width, size, height, right, most, places, name, spoken }) {
  const [left, top, bottom] = [3.4 * size, 1.9 * size, 3.4 * size];
  const [wide, high] = [Math.max(1, width - left - right), height - top - bottom]; // 1: while the page is laid out
  const column = wide / places.length;
  const x = (index) => left + (index + 0.5) * column;
  const y = (value) => top + high * (1 - value / most);
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, class: "cvt-plot", role: "img", "aria-label": spoken });
  const text = (words, at, anchor = "middle") => root.append(svg("text", { ...at, "text-anchor": anchor }, words));
  const stages = [...new Set(places.map(({ stage }) => stage))];
  for (const [number, stage] of stages.entries()) {
    const own = places.flatMap((place, index) => (place.stage === stage ? [index] : []));
    const start = x(own[0]) - column / 2;
    const band = { x: start, y: top, width: column * own.length, height: high };
    root.append(svg("rect", { ...band, class: number % 2 ? "cvt-plot-odd" : "cvt-plot-even" }));
    text(`${stage}`, { x: start + band.width / 2, y: height - 0.4 * size });
  }
  for (const value of ticks(most)) {
    root.append(svg("line", { x1: left, x2: left + wide, y1: y(value), y2: y(value), class: "cvt-plot-grid" }));
    text(`${value}`, { x: left - 0.5 * size, y: y(value) + 0.35 * size }, "end");
  }
  const every = Math.ceil((2 * LETTER * size + 4) / column); // block numbers that have room
  places.forEach(({ block }, index) => {
    if ((block - 1) % every === 0) text(`${block}`, { x: x(index), y: height - bottom + 1.3 * size });
  });
  text(name, { x: left, y: size }, "start");
  text(phrase("break_axis_block"), { x: 0, y: height - bottom + 1.3 * size }, "start");
  text(phrase("break_axis_stage"), { x: 0, y: height - 0.4 * size }, "start");
  return { root, x, y, column, end: left + wide, bottom: top + high };
}
