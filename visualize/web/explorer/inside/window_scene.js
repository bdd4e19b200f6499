// The window over the tokens of one channel: it slides there, its nine cells are multiplied, and the products add up.

import { make } from "../../shared/dom.js";
import { patch } from "../../shared/tree.js";
import { extentOf, pale, solid } from "./colours.js";
import { factor, fraction, math, mi, mn, mo, piece, row, sub, sum, terms } from "./formulas.js";
import { reached, slides } from "./timeline.js";
import { phrase } from "../../words/phrase.js";

const SINGLY = 9; // more products than these are written row by row

export function windowScene() {
  const crop = make("div", { class: "cvt-crop", "aria-hidden": "true" });
  const grid = make("div", { class: "cvt-products" });
  const result = make("div", { class: "cvt-outcome" });
  const arrows = make("div", { class: "cvt-arrows", "aria-hidden": "true" });
  const formula = make("div", { class: "cvt-formula" });
  const names = [make("h4"), make("h4")];
  const element = make(
    "div",
    { class: "cvt-scene cvt-window-scene" },
    make("div", {}, names[0], crop),
    make("div", {}, names[1], grid),
    arrows,
    result,
    formula,
  );

  function draw({ found, frames, frame }) {
    const { inside, settings, cell, channel, projection, of } = found;
    const sliding = frame.column !== undefined;
    const column = sliding ? frame.column : cell.column;
    const step = column === cell.column ? found.step : inside.step(projection, channel, cell.row, column);
    const count = sliding ? 0 : frame.index !== undefined ? frame.index + 1 : step.products.length;
    const whole = !sliding && reached(frames, frame, "sum");
    patch(names[0], [phrase("crop_title", { channel: channel + 1 })]);
    patch(names[1], [phrase(of === "pool" ? "products_pool" : "products_title")]);
    drawCrop(found, column);
    drawProducts(step, settings.side, count);
    patch(arrows, [lines(settings.side, true), lines(settings.side, false)]);
    patch(result, [
      ["span", {}, math(mi("z"))],
      ["b", { "data-number": "z", style: whole ? null : "visibility:hidden" }, math(mn(step.sum))],
    ]);
    patch(formula, formulaOf(step, settings.side, count, whole, of));
  }

  function drawCrop(found, column) {
    const { inside, settings, cell, channel } = found;
    const { side, stride, padding } = settings;
    const n = side + 2 * stride + 1;
    const left = slides(found)[0] * stride - padding;
    const top = cell.row * stride - padding - Math.floor((n - side) / 2);
    const tokens = inside.channel(channel);
    const extent = inside.once(`extent ${channel}`, () => extentOf(tokens));
    const [y, x] = [cell.row * stride - padding, column * stride - padding];
    const within = (at, size, more) => at >= -more && at < size + more;
    const cells = Array.from({ length: n * n }, (_, index) => {
      const [r, c] = [top + Math.floor(index / n), left + (index % n)];
      const token = within(r, inside.rows, 0) && within(c, inside.columns, 0);
      const padded = within(r, inside.rows, padding) && within(c, inside.columns, padding);
      const [i, j] = [r - y, c - x];
      const part = i >= 0 && i < side && j >= 0 && j < side ? `w${i * side + j}` : null;
      return [
        "i",
        {
          class: token ? null : padded ? "cvt-padding" : null,
          style: token ? `background:${solid(tokens[r * inside.columns + c], extent)}` : null,
          "data-number": part,
          "data-line": part && `r${i}`,
        },
      ];
    });
    const label = (at, style) => ["span", { style }, `${at + 1}`];
    const [rows, columns] = [ends(y, side, inside.rows), ends(x, side, inside.columns)];
    patch(crop, [
      ["div", { class: "cvt-cells", style: `--n:${n}` }, ...cells, ["b", { style: `--x:${x - left};--y:${y - top};--side:${side}` }]],
      ["div", { class: "cvt-rows", style: `--n:${n}` }, ...rows.map((each) => label(each, `--at:${each - top}`))],
      ["div", { class: "cvt-columns", style: `--n:${n}` }, ...columns.map((each) => label(each, `--at:${each - left}`))],
    ]);
  }

  function drawProducts(step, side, count) {
    const extent = extentOf(step.products);
    grid.dataset.detail = side <= 3 ? "full" : side <= 6 ? "number" : "none";
    grid.style.setProperty("--n", side);
    patch(
      grid,
      step.products.map((product, index) => {
        const there = index < count;
        const { where } = step.cells[index];
        const [value, weight] = [step.patch[index], step.kernel[index]];
        const numbers =
          where === "token"
            ? [math(mn(value)), math(row(mo("·"), factor(weight)))]
            : [phrase(where === "padding" ? "padding" : "not_counted")];
        return [
          "div",
          {
            class: where === "token" ? null : "cvt-padding",
            "data-number": `w${index}`,
            "data-line": `r${Math.floor(index / side)}`,
            style: there ? `background-color:${pale(product, extent)}` : null,
          },
          ["b", { style: there ? null : "visibility:hidden" }, math(mn(product))],
          ["small", {}, ...numbers],
        ];
      }),
    );
  }

  return { element, draw };
}

/** The first and the last token of a window along one axis, once if they are the same. */
function ends(start, side, size) {
  const clip = (at) => Math.min(size - 1, Math.max(0, at));
  return Array.from(new Set([clip(start), clip(start + side - 1)]));
}

/** Arrows from the rows of the grid to what is right of it, or from its columns to what is below. */
function lines(side, across) {
  const each = Array.from({ length: side }, (_, index) => {
    const from = ((index + 0.5) / side) * 100;
    return across ? `M0 ${from}L100 50` : `M${from} 0L50 100`;
  });
  return [
    "svg",
    { viewBox: "0 0 100 100", preserveAspectRatio: "none", class: across ? "cvt-across" : "cvt-down" },
    ["path", { d: each.join(""), "vector-effect": "non-scaling-stroke" }],
  ];
}

function formulaOf(step, side, count, whole, of) {
  const cells = side * side;
  const singly = cells <= SINGLY;
  const rows = Array.from({ length: side }, (_, index) => step.products.slice(index * side, (index + 1) * side));
  const values = singly
    ? step.products.map((value, index) => [`w${index}`, value])
    : rows.map((each, index) => [`r${index}`, each.reduce((total, value) => total + value, 0)]);
  const counted = step.cells.filter((each) => each.where !== "beyond").length;
  const each = of === "pool" ? [fraction(mn(1), mn(counted)), sum(cells), sub("x", "i")] : [sum(cells), sub("w", "i"), sub("x", "i")];
  return [
    math(row(mi("z"), mo("="), ...each, mo("="))),
    ...terms(values, singly ? count : Math.floor(count / side)),
    math(mo("=")),
    piece("z", mn(step.sum), { hidden: !whole }),
  ];
}
