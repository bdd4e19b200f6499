// The score: the query and the key as rows of cells, their products below, the sum, and the scale.

import { make } from "../../shared/dom.js";
import { patch } from "../../shared/tree.js";
import { BLUE, extentOf, GREY, RED, solid } from "./colours.js";
import { fraction, inner, math, mi, mn, mo, piece, root, row, sub, sum, terms } from "./formulas.js";
import { strip } from "./strip.js";
import { reached } from "./timeline.js";
import { phrase } from "../../words/phrase.js";

const [ROW, GAP, BARS] = [36, 8, 104]; // pixels
const TERMS = 3; // products that are written out

/** @param {{ point: (part: string | null) => void, entry: (index: number) => void, resized: () => void, signal: AbortSignal }} hears */
export function scoreScene({ point, entry: choose, resized, signal }) {
  const cells = strip({
    height: 2 * (ROW + GAP) + BARS,
    pointed: (index) => point(index === null ? null : `e${index}`),
    chosen: choose,
    resized,
    signal,
  });
  const names = make("div", { class: "cvt-names", "aria-hidden": "true" });
  const [formula, scaled] = [make("div", { class: "cvt-formula" }), make("div", { class: "cvt-formula" })];
  const title = make("h4");
  const element = make(
    "div",
    { class: "cvt-scene cvt-score-scene" },
    title,
    make("div", { class: "cvt-vectors" }, names, cells.element),
    formula,
    scaled,
  );

  function draw({ found, frames, frame, lit, words }) {
    const { q, k, products, product, score, dim, entry, channels } = found;
    const there = (name) => frame.scene !== "score" || reached(frames, frame, name);
    const { context, width } = cells.pen();
    const extent = extentOf([...q, ...k]);
    const most = extentOf(products);
    const x = (index) => Math.round((index / dim) * width);
    const middle = 2 * (ROW + GAP) + BARS / 2;
    for (let index = 0; index < dim; index++) {
      const wide = Math.max(1, x(index + 1) - x(index) - (width / dim > 4 ? 1 : 0));
      context.fillStyle = solid(q[index], extent);
      context.fillRect(x(index), 0, wide, ROW);
      context.fillStyle = solid(k[index], extent);
      context.fillRect(x(index), ROW + GAP, wide, ROW);
      if (!there("products")) continue;
      const tall = (products[index] / most) * (BARS / 2);
      context.fillStyle = tall < 0 ? BLUE : RED;
      context.fillRect(x(index), tall < 0 ? middle : middle - tall, wide, Math.abs(tall));
    }
    context.fillStyle = GREY;
    context.fillRect(0, middle, width, 1);
    const pointed = /^e(\d+)$/.exec(lit ?? "");
    const read = pointed ? Number(pointed[1]) : null;
    cells.tell({ label: phrase("entries_spoken"), text: words.entryOf(entry), index: entry, all: dim, lit: read });
    patch(title, [words.compared]);
    patch(names, [
      ["span", {}, math(mi("q"))],
      ["span", {}, math(mi("k"))],
      ["span", {}, math(row(sub("q", "i"), sub("k", "i")))],
    ]);
    const order = Array.from(products.keys()).sort((a, b) => Math.abs(products[b]) - Math.abs(products[a]));
    const largest = order.slice(0, TERMS);
    const rest = order.slice(TERMS).reduce((total, index) => total + products[index], 0);
    const values = largest.map((index) => [`e${index}`, products[index]]);
    patch(formula, [
      math(row(mi("q"), mo("·"), mi("k"), mo("="), sum(dim), sub("q", "i"), sub("k", "i"), mo("="))),
      ...terms(dim > TERMS ? [...values, ["e", rest]] : values, there("products") ? Infinity : 0),
      math(mo("=")),
      piece("dot", mn(product), { hidden: !there("sum") }),
    ]);
    patch(scaled, [
      math(row(mi("s"), mo("="), fraction(row(mi("q"), mo("·"), mi("k")), root(mn(channels))), mo("="))),
      math(row(fraction(inner("dot", mn(product), !there("scale")), mn(Math.sqrt(channels))))),
      math(mo("=")),
      piece("s", mn(score), { hidden: !there("scale") }),
    ]);
  }

  return { element, draw };
}
