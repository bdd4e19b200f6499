// The microscope's text: the inside of a block. Blocks, channels and places count from 1.

import { CHOICES } from "../choices.js";
import { place, shortPlace } from "./explorer.js";
import { number, percent, precise, sides } from "./format.js";
import { phrase } from "./phrase.js";

const title = (projection) => CHOICES.projection.values[projection];
const what = (projection) => title(projection).toLowerCase();

/** The heading of the norms: of the tokens, and of what is added to them. */
export const lengthNames = () => [phrase("norm_before"), phrase("norm_attention"), phrase("norm_mlp")];

/** The names of the steps, in their order. */
export const sceneNames = () => [
  phrase("scene_window"),
  phrase("scene_norm"),
  phrase("scene_linear"),
  phrase("scene_score"),
  phrase("scene_softmax"),
];

export const projectionWords = (projection) => phrase("projection", { projection: title(projection) });

/** What the block adds to the token at a place. `lengths`: before, of attention, of the MLP; `most`: where colours end. */
export function addsWords(cell, lengths, most) {
  const [before, attention, mlp] = lengths.map(number);
  return phrase("adds", { place: place(cell), before, attention, mlp, most: number(most) });
}

/** Why a convolution and a linear layer. `found`: what the microscope shows. */
export function whyWords({ inside, kind, of, projection, channels, settings: { side, stride } }) {
  if (kind === "none" && of !== "none") return phrase("why_cls");
  if (kind === "none") return phrase(inside.kind("key") === "pool" ? "why_query_pool" : "why_linear", { channels });
  const found = [phrase(kind === "pool" ? "why_pool" : "why_convolution", { cells: side * side })];
  if (stride > 1) found.push(phrase(projection === "key" ? "why_stride_keys" : "why_stride_values", { stride, times: stride * stride }));
  return [...found, phrase("why_both", { channels })].join(" ");
}

/** The texts of the picture above the steps: what is done before the linear layer, and by it, each in two lines, and the captions. */
export function overviewWords({ kind, projection, channels, entry, grid, settings: { side } }) {
  const two = (name, more) => [
    ["b", {}, name],
    ["span", {}, more],
  ];
  return {
    before: two(phrase(kind === "pool" ? "verb_pool" : "verb_convolution"), phrase("verb_window", { side: sides([side, side]) })),
    linear: two(phrase("verb_linear"), phrase("verb_channels", { channels })),
    captions: [
      phrase("stack_tokens", { channels }),
      kind === "none" ? phrase("stack_read", { channels }) : phrase("stack_convolved", { shape: sides(grid.shape) }),
      phrase("stack_output", { entry: entry + 1, what: what(projection) }),
    ],
  };
}

/** Who looks at what, for headings. */
export function comparedWords({ head, tokenCell, keyCell }) {
  return phrase("compared", { head: head + 1, token: tokenWords(tokenCell), key: keyWords(keyCell) });
}

const tokenWords = (cell) => (cell ? phrase("the_token", { place: place(cell) }) : phrase("the_cls"));
const keyWords = (cell) => (cell ? phrase("the_key", { place: place(cell) }) : phrase("the_cls"));

/** One entry of query and key. */
export const entryWords = ({ q, k, products }, index) =>
  phrase("score_entry", { entry: index + 1, query: precise(q[index]), key: precise(k[index]), product: precise(products[index]) });

/** One key among all, the largest weight first. `cellOf`: from its place to its cell, null for the cls token. */
export function rankWords({ order, weights, first }, rank, cellOf) {
  const at = order[rank];
  const key = keyWords(at < first ? null : cellOf(at - first));
  return phrase("softmax_rank", { rank: rank + 1, keys: order.length, key, weight: percent(weights[at]) });
}

/** From the first to the last: "5–7", or one number. */
const span = (start, side, size) => {
  const [first, last] = [Math.max(0, start) + 1, Math.min(size, start + side)];
  return first === last ? `${first}` : `${first}–${last}`;
};

function windowWords(found, frame) {
  const { projection, channel, cell, settings, inside, of } = found;
  const slid = frame.column !== undefined && frame.column !== cell.column; // the window is elsewhere on its way
  const step = slid ? inside.step(projection, channel, cell.row, frame.column) : found.step;
  const { side, stride, padding } = settings;
  if (frame.name.startsWith("slide")) {
    const [top, left] = [cell.row * stride - padding, frame.column * stride - padding];
    const rows = span(top, side, inside.rows);
    const columns = span(left, side, inside.columns);
    const parts = [
      phrase("window_slide", { what: what(projection), place: place({ row: cell.row, column: frame.column }), rows, columns }),
    ];
    const outside = inside.window(projection, cell.row, frame.column).filter((each) => each.where !== "token").length;
    if (outside) parts.push(phrase("window_outside", { cells: outside }));
    if (stride > 1) parts.push(phrase("window_jump", { stride }));
    return parts.join(" ");
  }
  if (frame.name === "sum") return phrase(of === "pool" ? "window_mean" : "window_sum", { cells: side * side, sum: precise(step.sum) });
  if (frame.name.startsWith("row")) {
    const row = Math.floor(frame.index / side);
    const sum = step.products.slice(row * side, (row + 1) * side).reduce((total, each) => total + each, 0);
    return phrase("window_row", { row: row + 1, sum: precise(sum) });
  }
  const at = step.cells[frame.index];
  if (at.where !== "token") return phrase(at.where === "padding" ? "window_padding" : "window_beyond");
  const values = { value: step.patch[frame.index], weight: step.kernel[frame.index], product: step.products[frame.index] };
  return phrase("window_term", { place: shortPlace(at), ...written(values) });
}

const written = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, precise(value)]));

function normWords({ step: { sum, scale, scaled, shift, value } }, { name }) {
  const values = written({ sum, scale, scaled, shift, value });
  return phrase(name === "read" ? "norm_read" : name === "scale" ? "norm_scale" : "norm_shift", values);
}

function linearWords({ terms, channels, entry, projection }, { name, index }) {
  if (name === "others") return phrase("linear_others", { others: terms.others, rest: precise(terms.rest) });
  if (name === "bias") return phrase("linear_bias", { bias: precise(terms.bias) });
  if (name === "sum") return phrase("linear_sum", { channels, entry: entry + 1, what: what(projection), value: precise(terms.value) });
  const { channel, value, weight, product } = terms.largest[index];
  return phrase("linear_term", { channel: channel + 1, ...written({ value, weight, product }) });
}

function scoreWords(found, { name, index }) {
  const { dim, tokenCell, keyCell, products, product, channels, score } = found;
  if (name === "entry") return entryWords(found, index);
  if (name === "vectors") return phrase("score_vectors", { dim, token: tokenWords(tokenCell), key: keyWords(keyCell) });
  if (name === "sum") return phrase("score_sum", { product: precise(product) });
  if (name === "scale") return phrase("score_scale", { channels, score: precise(score) });
  const most = products.reduce((best, each, at) => (Math.abs(each) > Math.abs(products[best]) ? at : best), 0);
  return phrase("score_products", { entry: most + 1, product: precise(products[most]) });
}

function softmaxWords(found, { name }) {
  const { score, weights, weight, keyCell, seen, mean, heads } = found;
  const keys = weights.length;
  if (name === "power") return phrase("softmax_power", { score: precise(score) });
  if (name === "total") return phrase("softmax_total", { keys });
  const key = keyCell ? phrase("a_key", { place: place(keyCell) }) : phrase("a_cls");
  const share = { key, weight: percent(weight), times: precise(weight * keys) };
  const parts = [phrase("softmax_weight", share)];
  if (seen) parts.push(mean ? phrase("softmax_mean", { heads }) : phrase("softmax_seen"));
  return parts.join(" ");
}

const WORDS = { window: windowWords, norm: normWords, linear: linearWords, score: scoreWords, softmax: softmaxWords };

/** What happens in one frame. */
export const frameWords = (found, frame) => WORDS[frame.scene](found, frame);
