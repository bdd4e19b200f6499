// The microscope's text: the inside of a block. Blocks, channels and places count from 1.

import { CHOICES } from "../choices.js";
import { place } from "./explorer.js";
import { number, percent, precise } from "./format.js";
import { phrase } from "./phrase.js";

const title = (projection) => CHOICES.projection.values[projection];

/** The heading of the norms: of the tokens, and of what is added to them. */
export const lengthNames = () => [phrase("norm_before"), phrase("norm_attention"), phrase("norm_mlp")];

export const projectionWords = (projection) => phrase("projection", { projection: title(projection) });

export const projectedWords = (projection, output) => phrase("inside_projected", { projection: title(projection), channel: output + 1 });

/** What the block adds to the token at a place. `lengths`: before, of attention, of the MLP; `most`: where colours end. */
export function addsWords(cell, lengths, most) {
  const [before, attention, mlp] = lengths.map(number);
  return phrase("adds", { place: place(cell), before, attention, mlp, most: number(most) });
}

/** From query and key to one weight. `cell`: the key's. */
export const scoreSum = ({ head, cell, product, scale, score, keys, weight, entropy }) =>
  phrase("score", {
    head: head + 1,
    place: place(cell),
    product: precise(product),
    scale: precise(scale),
    score: precise(score),
    keys,
    weight: percent(weight),
    entropy: entropy.toFixed(1),
  });

const product = (a, b) => `${precise(a)}·${b < 0 ? `(${precise(b)})` : precise(b)}`;

/** Products as a sum, with minus signs for negative ones. */
const sumOf = (products) => products.join(" + ").replaceAll("+ −", "− ");

const term = (value) => (value < 0 ? `− ${precise(-value)}` : `+ ${precise(value)}`);

/** Convolution and BatchNorm of one channel at one place, with their numbers. */
export const convolutionSum = ({ patch, kernel, sum, scale, shift, value }, cell) =>
  phrase("convolution_sum", {
    place: place(cell),
    products: sumOf(patch.map((each, index) => product(each, kernel[index]))),
    sum: precise(sum),
    scaled: product(sum, scale),
    shift: term(shift),
    value: precise(value),
  });

/** The sum of the linear layer at one place, its largest terms first. */
export const linearSum = ({ largest, rest, others, bias, value }, projection, output) =>
  phrase("linear_sum", {
    projection: title(projection),
    channel: output + 1,
    terms: sumOf(largest.map((each) => phrase("linear_term", { product: product(each.weight, each.value), channel: each.channel + 1 }))),
    rest: term(rest),
    others,
    bias: term(bias),
    value: precise(value),
  });

/** Why a convolution and a linear layer. */
export function whyWords(channels, { side, stride }, convolves, projection) {
  if (!convolves) return phrase("why_linear", { channels });
  const found = [phrase("why_convolution", { cells: side * side }), phrase("why_both", { channels })];
  if (stride > 1)
    found.splice(1, 0, phrase(projection === "key" ? "why_stride_keys" : "why_stride_values", { stride, times: stride * stride }));
  return found.join(" ");
}
