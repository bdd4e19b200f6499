// The linear layer: all channels of one place run together into one number; lines as thick as what each channel adds.

import { make } from "../../shared/dom.js";
import { patch } from "../../shared/tree.js";
import { BLUE, extentOf, pale, RED } from "./colours.js";
import { math, mi, mn, mo, piece, row, sub, sum, terms, times } from "./formulas.js";
import { phrase } from "../../words/phrase.js";

const THICKEST = 16; // pixels, the line of the largest term

export function linearScene() {
  const rows = make("div", { class: "cvt-terms" });
  const fan = make("div", { class: "cvt-fan", "aria-hidden": "true" });
  const result = make("div", { class: "cvt-outcome" });
  const formula = make("div", { class: "cvt-formula" });
  const title = make("h4");
  const element = make("div", { class: "cvt-scene cvt-linear-scene" }, title, rows, fan, result, formula);

  function draw({ found, frames, frame, words }) {
    const { terms: all, channels, entry } = found;
    const list = [
      ...all.largest.map((each, index) => ({ ...each, part: `c${index}`, name: phrase("channel", { channel: each.channel + 1 }) })),
      ...(all.others ? [{ product: all.rest, part: "rest", name: phrase("others", { others: all.others }) }] : []),
      { product: all.bias, part: "bias", name: phrase("bias") },
    ];
    const inScene = frames.filter((each) => each.scene === "linear");
    const at = frame.scene === "linear" ? inScene.findIndex((each) => each.name === frame.name) : inScene.length - 1;
    const done = at === inScene.length - 1;
    const count = done ? list.length : at + 1;
    const extent = extentOf(list.map((each) => each.product));
    patch(title, [phrase("linear_title", { channels })]);
    patch(
      rows,
      list.map((each, index) => [
        "div",
        { "data-number": each.part, style: `background-color:${index < count ? pale(each.product, extent) : "transparent"}` },
        ["span", {}, each.name],
        ["span", {}, ...("weight" in each ? [math(times(each.value, each.weight))] : [])],
        ["b", { style: index < count ? null : "visibility:hidden" }, math(mn(each.product))],
      ]),
    );
    patch(fan, [
      [
        "svg",
        { viewBox: `0 0 100 ${list.length * 10}`, preserveAspectRatio: "none" },
        ...list.map((each, index) => [
          "path",
          {
            d: `M0 ${index * 10 + 5}C45 ${index * 10 + 5} 55 ${list.length * 5} 100 ${list.length * 5}`,
            "vector-effect": "non-scaling-stroke",
            "data-number": each.part,
            stroke: each.product < 0 ? BLUE : RED,
            "stroke-width": Math.max(1, (Math.abs(each.product) / extent) * THICKEST).toFixed(1),
            style: index < count ? null : "visibility:hidden",
          },
        ]),
      ],
    ]);
    patch(result, [
      ["span", {}, words.entry],
      ["b", { "data-number": "out", style: done ? null : "visibility:hidden" }, math(mn(all.value))],
    ]);
    const symbol = found.projection[0];
    patch(formula, [
      math(row(sub(symbol, entry), mo("="), sum(channels, "c"), sub("w", "c"), sub("y", "c"), mo("+"), mi("b"), mo("="))),
      ...terms(
        list.map((each) => [each.part, each.product]),
        count,
      ),
      math(mo("=")),
      piece("out", mn(all.value), { hidden: !done }),
    ]);
  }

  return { element, draw };
}
