// The words of the microscope: the inside of a block. Blocks, channels and places count from 1 in them.

import { number, percent, precise } from "../shared/format.js";
import { place } from "./words.js";

/** What stands above the lengths: of the tokens, and of what is added to them. */
export const LENGTHS = ["Tokens before", "Attention adds", "MLP adds"];

export const INSIDE = {
  loading: "Loading this block's numbers …",
  plain: "This model projects without a convolution: the linear layer reads the tokens themselves.",
  convolved: "After convolution and BatchNorm",
};

export const insideTitle = (stage, block) => `Inside block ${block + 1} of stage ${stage + 1}: why a convolution and a linear layer?`;

export const blockWords = (block) => `Block ${block + 1}`;

export const tokenChannel = (channel) => `Channel ${channel + 1} of the tokens`;

export const kernelWords = ({ stride }) => `Its kernel, stride ${stride}`;

export const projectedWords = (name, output) => `${capital(name)} channel ${output + 1}, after the linear layer`;

export const rangeWords = (low, high) => `${number(low)} … ${number(high)}`;

export const hereWords = (value) => `here ${number(value)}`;

/** What the block adds to the token at a place. `lengths`: before, of what attention adds, of what the MLP adds; `most`: where colours end. */
export function addsWords(cell, lengths, most) {
  const [before, attention, mlp] = lengths.map(number);
  return (
    `The token at ${place(cell)} is a vector of length ${before}. Attention adds one of ${attention}, then the MLP one of ${mlp}. ` +
    `Colours run from 0 to ${number(most)}.`
  );
}

/** From query and key to one weight. `cell`: the key's. */
export function scoreSum({ head, cell, product, scale, score, keys, weight, entropy }) {
  return (
    `Head ${head + 1}, its strongest key place, ${place(cell)}: query · key = ${precise(product)}. ` +
    `Scaled by ${precise(scale)}, one over the root of the width: ${precise(score)}. ` +
    `Softmax over all ${keys} keys makes it ${percent(weight)}; the row's entropy is ${entropy.toFixed(1)} bit.`
  );
}

const capital = (word) => word[0].toUpperCase() + word.slice(1);

const product = (a, b) => `${precise(a)}·${b < 0 ? `(${precise(b)})` : precise(b)}`;

/** Products as a sum, a minus in front of the one that begins with it. */
const sumOf = (products) => products.join(" + ").replaceAll("+ −", "− ");

const term = (value) => (value < 0 ? `− ${precise(-value)}` : `+ ${precise(value)}`);

/** Convolution and BatchNorm of one channel at one place, with their numbers. */
export function convolutionSum({ patch, kernel, sum, scale, shift, value }, cell) {
  return `At ${place(cell)}: ${sumOf(patch.map((each, index) => product(each, kernel[index])))} = ${precise(sum)}. BatchNorm: ${product(sum, scale)} ${term(shift)} = ${precise(value)}.`;
}

/** The sum of the linear layer at one place, its largest terms first. */
export function linearSum({ largest, rest, others, bias, value }, name, output) {
  const terms = sumOf(largest.map((each) => `${product(each.weight, each.value)} (channel ${each.channel + 1})`));
  return `${capital(name)} channel ${output + 1} = ${terms} ${term(rest)} (the other ${others}) ${term(bias)} (bias) = ${precise(value)}.`;
}

/** Why a convolution and a linear layer. */
export function whyWords(channels, { side, stride }, convolves, name) {
  if (!convolves) return `The linear layer mixes ${channels} channels of one place. Nothing here mixes places.`;
  const cheaper = stride > 1 ? ` Its stride of ${stride} leaves ${stride * stride} times fewer ${name === "key" ? "keys" : "values"}.` : "";
  return (
    `The convolution mixes ${side * side} neighbours of one channel: it sees shape, and where a token lies.${cheaper} ` +
    `The linear layer mixes ${channels} channels of one place. Each does what the other cannot.`
  );
}
