// The curves of one map beside those of random maps, drawn at the size that the element has.

import { svg } from "../../shared/dom.js";
import { percent } from "../../words/format.js";
import { phrase } from "../../words/phrase.js";
import { curveWords } from "../../words/trial.js";

const HEIGHT = 230;
const TICKS = [0, 0.25, 0.5, 0.75, 1];
const CURVES = ["deletion", "insertion"];

/**
 * The deletion and insertion curves of a row, and of the random one.
 * @param {{ width: number, size: number }} room in pixels, and the size of its text
 * @param {number[]} shares
 * @param {import("./values.js").Row} row
 * @param {?import("./values.js").Row} random
 * @param {string} label
 */
export function chart({ width, size }, shares, row, random, label) {
  const [left, right, top, bottom] = [3.6 * size, 0.6 * size, 0.7 * size, 3.2 * size];
  const across = (share) => left + share * (width - left - right);
  const up = (share) => HEIGHT - bottom - share * (HEIGHT - top - bottom);
  const points = (values) => shares.map((share, at) => `${across(share).toFixed(1)},${up(values[at]).toFixed(1)}`).join(" ");
  const text = (words, x, y, anchor) => svg("text", { x, y, "text-anchor": anchor }, words);
  const grid = TICKS.flatMap((tick) => [
    svg("line", { x1: across(0), x2: across(1), y1: up(tick), y2: up(tick), class: "cvt-trial-grid" }),
    text(percent(tick), across(0) - 0.4 * size, up(tick) + 0.35 * size, "end"),
    text(percent(tick), across(tick), HEIGHT - bottom + 1.2 * size, tick === 1 ? "end" : "middle"),
  ]);
  const kinds = random && random.method !== row.method ? { random, own: row } : { own: row };
  const lines = Object.entries(kinds).flatMap(([kind, each]) =>
    CURVES.map((name) =>
      svg("polyline", { points: points(each[name] ?? []), class: "cvt-trial-curve", "data-curve": name, "data-of": kind }),
    ),
  );
  const axis = text(phrase("trial_axis"), across(0.5), HEIGHT - 0.4 * size, "middle");
  const drawn = { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": curveWords(row, label) };
  return svg("svg", drawn, ...grid, axis, ...lines);
}
