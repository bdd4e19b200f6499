// Softmax: the weights of all keys as bars, the largest first, with the chosen key's outlined.

import { make } from "../../shared/dom.js";
import { patch } from "../../shared/tree.js";
import { GREY } from "./colours.js";
import { fraction, inner, math, mi, mn, mo, piece, power, row, sub, sum } from "./formulas.js";
import { strip } from "./strip.js";
import { reached } from "./timeline.js";
import { percent } from "../../words/format.js";
import { phrase } from "../../words/phrase.js";

const HEIGHT = 150; // pixels of the bars

/** @param {{ point: (part: string | null) => void, key: (place: number) => void, resized: () => void, signal: AbortSignal }} hears */
export function softmaxScene({ point, key: choose, resized, signal }) {
  let places = /** @type {number[]} */ ([]);
  const bars = strip({
    height: HEIGHT,
    pointed: (index) => point(index === null ? null : `k${index}`),
    chosen: (index) => choose(places[index]),
    resized,
    signal,
  });
  const uniform = make("div", { class: "cvt-uniform", "aria-hidden": "true" });
  const scale = make("div", { class: "cvt-names", "aria-hidden": "true" });
  const formula = make("div", { class: "cvt-formula" });
  const title = make("h4");
  bars.element.append(uniform);
  const element = make(
    "div",
    { class: "cvt-scene cvt-softmax-scene" },
    title,
    make("div", { class: "cvt-vectors" }, scale, bars.element),
    formula,
  );

  function draw({ found, frames, frame, lit, words }) {
    const { weights, order, first, key, score, most, total, weight } = found;
    const there = (name) => frame.scene !== "softmax" || reached(frames, frame, name);
    places = order.map((each) => each - first);
    const { context, width } = bars.pen();
    const top = weights[order[0]];
    const x = (index) => (index / order.length) * width;
    context.fillStyle = GREY;
    const tall = (each) => Math.max(1, (weights[each] / top) * HEIGHT);
    const wide = Math.max(1, x(1) - (x(1) > 3 ? 1 : 0));
    if (there("total")) order.forEach((each, index) => context.fillRect(x(index), HEIGHT - tall(each), wide, tall(each)));
    const rank = places.indexOf(key);
    const pointed = /^k(\d+)$/.exec(lit ?? "");
    const read = pointed ? Number(pointed[1]) : null;
    bars.tell({
      label: phrase("keys_spoken"),
      text: words.rankOf(rank),
      index: rank,
      all: order.length,
      lit: read,
      filled: tall(order[rank]),
    });
    const even = 1 / order.length;
    patch(uniform, [["span", {}, phrase("uniform_line", { share: percent(even) })]]);
    uniform.style.bottom = `${(even / top) * HEIGHT}px`;
    uniform.hidden = even > top;
    patch(title, [phrase("softmax_title", { keys: order.length })]);
    patch(scale, [
      ["span", {}, percent(top)],
      ["span", {}, "0"],
    ]);
    // A score may be far too large for e to the power of it: as usual, all are lessened by the largest.
    const shifted = Math.abs(most) > 12;
    const exponent = shifted ? row(mi("s"), mo("−"), sub("s", "max")) : mi("s");
    const others = shifted ? row(sub("s", "j"), mo("−"), sub("s", "max")) : sub("s", "j");
    const mine = Math.exp(shifted ? score - most : score);
    const all = shifted ? total : total * Math.exp(most);
    patch(formula, [
      math(row(mi("w"), mo("="), fraction(power(mi("e"), exponent), row(sum(order.length, "j"), power(mi("e"), others))), mo("="))),
      math(
        row(
          fraction(inner("power", power(mi("e"), mn(shifted ? score - most : score))), inner("total", mn(all), !there("total"))),
          mo("="),
        ),
      ),
      math(row(fraction(inner("power", mn(mine)), inner("total", mn(all), !there("total"))))),
      math(mo("=")),
      piece("weight", ["mtext", {}, percent(weight)], { hidden: !there("weight") }),
    ]);
  }

  return { element, draw };
}
