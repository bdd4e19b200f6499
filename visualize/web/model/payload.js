// A result as the bytes that the explorer draws: what visualize/draw/payload.py packs, from what the model gave in the browser.

import { pack } from "./container.js";
import { principalComponents } from "./components.js";

const MOST_BYTES = 8 << 20;
const HEADER_BYTES = 8 << 10;

/**
 * @typedef {object} Seen one picture through the model
 * @property {Uint8Array} pixels @property {number[]} box @property {number[]} original its width and height
 * @property {Uint8Array} crop as JPEG @property {?Uint8Array} whole
 * @property {Float32Array} logits @property {Float32Array} probabilities @property {number[]} shown
 * @property {Float32Array[]} features of each stage (C, H, W)
 * @property {import("./attention.js").BlockAttention[][]} blocks of each stage
 * @property {?{ places: Float32Array, rest: Float32Array, cells: number }} evidence
 */

/**
 * @param {Seen} seen @param {any} facts model.json @param {import("./attention.js").Attention} attention
 * @returns {Promise<ArrayBuffer>}
 */
export async function payload(seen, facts, attention) {
  const [height, width] = facts.input;
  /** @type {Object<string, [any, number[]]>} */
  const arrays = { crop: [seen.crop, [seen.crop.length]], pixels: [seen.pixels, [height, width, 3]] };
  if (seen.whole) arrays.whole = [seen.whole, [seen.whole.length]];
  const stages = facts.stages.map((stage, index) => {
    const { explained, own } = ofStage(seen.features[index], stage);
    for (const [name, array] of Object.entries(own)) arrays[`${index}/${name}`] = array;
    return { ...described(stage), explained };
  });
  const used = Object.values(arrays).reduce((sum, [data]) => sum + data.byteLength, 0);
  const peaks = facts.stages.map(({ depth }) => new Array(depth).fill(0));
  for (const { stage, block, limit } of limits(seen.blocks, MOST_BYTES - used - HEADER_BYTES)) {
    const own = await blockArrays(seen.blocks[stage][block], limit ?? Infinity, attention);
    peaks[stage][block] = own.peak[0].reduce((most, each) => Math.max(most, each), 0);
    if (limit !== null) for (const [name, array] of Object.entries(own)) arrays[`${stage}.${block}/${name}`] = array;
  }
  const { evidence, shown } = seen;
  if (evidence) {
    arrays.evidence = [evidence.places, [shown.length, evidence.cells]];
    arrays.rest = [evidence.rest, [shown.length]];
  }
  const header = {
    input: facts.input,
    crop_box: seen.box,
    original: seen.original,
    classes: facts.labels.length,
    top: shown.map((index) => ({ label: facts.labels[index], probability: seen.probabilities[index] })),
    stages,
    peaks,
    evidence: evidence && (facts.stages[facts.stages.length - 1].cls ? "key" : "query"),
  };
  return pack(header, arrays);
}

/** The attention of one block, in the smaller form. */
export async function blockPayload(seen, stage, block, attention) {
  const found = seen.blocks[stage][block];
  const own = await blockArrays(found, qkSize(found), attention);
  return pack({}, Object.fromEntries(Object.entries(own).map(([name, array]) => [`${stage}.${block}/${name}`, array])));
}

const described = ({ depth, heads, width, cls, query, key, embedding, projection }) => ({
  ...{ depth, heads, width, cls, query, key, embedding, projection },
});

const weightsSize = ({ heads, queries, keys }) => heads * queries * (keys + 4);
const qkSize = ({ query, key, heads, queries, keys }) => query.byteLength + key.byteLength + 4 * heads * (2 * queries + keys);

/** The bytes that each block may take where `room` is left, in the order in which they are worth sending; null: it does not travel. */
function limits(stages, room) {
  const all = stages.flatMap((blocks, stage) => blocks.map((own, block) => ({ stage, block, own })));
  const last = all.filter(({ stage, block }) => block === stages[stage].length - 1).reverse();
  const others = all.filter(({ stage, block }) => block < stages[stage].length - 1).reverse();
  const fit = all.reduce((sum, { own }) => sum + weightsSize(own), 0) <= room;
  return [...last, ...others].map(({ stage, block, own }) => {
    if (fit) return { stage, block, limit: weightsSize(own) };
    const size = Math.min(weightsSize(own), qkSize(own));
    if (size > room) return { stage, block, limit: null };
    room -= size;
    return { stage, block, limit: qkSize(own) };
  });
}

/** A block's attention as weights, or as queries and keys if the weights take more than `limit` bytes. */
async function blockArrays(block, limit, attention) {
  const { heads, queries, keys, dim, query, key, scale } = block;
  if (weightsSize(block) <= limit) {
    const { weights, peak } = await attention.quantised(block);
    return { weights: [weights, [heads, queries, keys]], peak: [peak, [heads, queries]] };
  }
  const { norm, peak, mean } = await attention.summed(block);
  const scaled = query.map((each) => each * Math.fround(scale));
  return {
    query: [scaled, [heads, queries, dim]],
    key: [key, [heads, keys, dim]],
    norm: [norm, [heads, queries]],
    peak: [peak, [heads, queries]],
    mean: [mean, [heads, keys]],
  };
}

/** The arrays of a stage's feature map. */
function ofStage(features, { width, query }) {
  const [rows, columns] = query.shape;
  const count = rows * columns;
  const values = new Uint8Array(features.length);
  const [lo, hi, variances] = [new Float32Array(width), new Float32Array(width), new Float64Array(width)];
  const mean = new Float64Array(count);
  for (let channel = 0, from = 0; channel < width; channel++, from += count) {
    let [low, high, sum, squares] = [Infinity, -Infinity, 0, 0];
    for (let at = 0; at < count; at++) {
      const value = features[from + at];
      if (value < low) low = value;
      if (value > high) high = value;
      sum += value;
      mean[at] += value / width;
    }
    const factor = high > low ? 255 / (high - low) : 0;
    for (let at = 0; at < count; at++) {
      const value = features[from + at];
      values[from + at] = (value - low) * factor + 0.5; // truncation then rounds
      squares += (value - sum / count) ** 2;
    }
    [lo[channel], hi[channel], variances[channel]] = [low, high, squares];
  }
  const order = Array.from(variances.keys()).sort((a, b) => variances[b] - variances[a] || a - b);
  const { rgb, explained } = principalComponents(features, width);
  /** @type {Object<string, [any, number[]]>} */
  const own = {
    features: [values, [width, rows, columns]],
    lo: [lo, [width]],
    hi: [hi, [width]],
    pca: [rgb, [rows, columns, 3]],
    mean: [Float32Array.from(mean), [rows, columns]],
    order: [Uint16Array.from(order), [width]],
  };
  return { explained, own };
}
