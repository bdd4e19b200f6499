// BatchNorm: a channel's sums at all places, spread out by its scale, then moved by its shift; the chosen place stands out.

import { make } from "../../shared/dom.js";
import { patch } from "../../shared/tree.js";
import { factor, math, mi, mn, mo, piece, row, sign } from "./formulas.js";
import { reached } from "./timeline.js";
import { phrase } from "../../words/phrase.js";

const LINES = 60; // places that are drawn

export function normScene() {
  const drawing = make("div", { class: "cvt-axes" });
  const formula = make("div", { class: "cvt-formula" });
  const title = make("h4");
  const element = make("div", { class: "cvt-scene cvt-norm-scene" }, title, drawing, formula);

  function draw({ found, frames, frame }) {
    const { inside, projection, channel, step } = found;
    const { sum, scale, shift, scaled, value } = step;
    const sums = inside.once(`sums ${projection} ${channel}`, () => inside.sums(projection, channel));
    const stepSize = Math.max(1, Math.floor(sums.length / LINES));
    const places = Array.from(sums).filter((_, index) => index % stepSize === 0);
    const levels = (z) => [z, z * scale, z * scale + shift];
    const all = [...places, sum].flatMap(levels).concat(0, shift);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const x = (at) => 4 + ((at - low) / (high - low || 1)) * 92;
    const path = (z) =>
      levels(z)
        .map((each, index) => `${index ? "L" : "M"}${x(each).toFixed(2)} ${index * 50}`)
        .join("");
    const depth = frame.scene !== "norm" ? 2 : reached(frames, frame, "shift") ? 2 : reached(frames, frame, "scale") ? 1 : 0;
    const clip = `height:${depth * 50}%`;
    const svg = (part, d, klass) => ["path", { d, class: klass, "data-number": part, "vector-effect": "non-scaling-stroke" }];
    const names = [phrase("axis_sum"), phrase("axis_scaled"), phrase("axis_shifted")];
    patch(title, [phrase("norm_title", { channel: channel + 1 })]);
    patch(drawing, [
      ...[0, 1, 2].map((index) => ["i", { style: `top:${index * 50}%` }]),
      [
        "div",
        { class: "cvt-lines", style: clip },
        [
          "svg",
          { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
          svg("a", places.map(path).join(""), "cvt-faint"),
          svg("b", path(0), "cvt-zero"),
          svg("y", path(sum), "cvt-strong"),
        ],
      ],
      ...[sum, scaled, value].map((each, index) => [
        "span",
        {
          class: x(each) > 50 ? "cvt-before" : null,
          "data-number": ["z", "az", "y"][index],
          style: `top:${index * 50}%;left:${x(each).toFixed(2)}%${index > depth ? ";visibility:hidden" : ""}`,
        },
        math(mn(each)),
      ]),
      ...names.map((name, index) => ["em", { style: `top:${index * 50}%` }, name]),
      ["small", { style: `top:0;left:${x(0).toFixed(2)}%` }, math(mn(0))],
      [
        "small",
        { "data-number": "b", style: `top:100%;left:${x(shift).toFixed(2)}%${depth < 2 ? ";visibility:hidden" : ""}` },
        math(mn(shift)),
      ],
    ]);
    patch(formula, [
      math(row(mi("y"), mo("="), mi("a"), mi("z"), mo("+"), mi("b"), mo("="))),
      piece("a", mn(scale), { hidden: depth < 1 }),
      math(mo("·")),
      piece("z", factor(sum)),
      piece("b", row(sign(shift), mn(Math.abs(shift))), { hidden: depth < 2 }),
      math(mo("=")),
      piece("y", mn(value), { hidden: depth < 2 }),
    ]);
  }

  return { element, draw };
}
