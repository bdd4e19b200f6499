// The arithmetic inside a block: tokens → depth-wise convolution and BatchNorm, or average pool → linear layer → query, key or value.

import { parse } from "../payload.js";

export class Inside {
  constructor(buffer) {
    const { header, arrays } = parse(buffer);
    this.header = header;
    this.arrays = arrays;
    this.tokens = arrays.tokens;
    const [channels, rows, columns] = arrays.tokens.shape;
    this.channels = channels;
    this.rows = rows;
    this.columns = columns;
    this.cache = new Map();
  }

  /** Norms of this block's tokens, and of what attention and MLP add to each: three arrays of (tokens). */
  lengths() {
    const count = this.rows * this.columns;
    return [0, 1, 2].map((part) => this.arrays.lengths.subarray(part * count, (part + 1) * count));
  }

  /** Norms of a stage's tokens, and of what attention and MLP add: [[before, attention, mlp]] per block. */
  norms(stage) {
    const all = this.arrays[`norms/${stage}`];
    return Array.from({ length: all.shape[0] }, (_, block) => Array.from(all.subarray(block * 3, block * 3 + 3)));
  }

  /** What stands before the linear layer: "convolution", "pool", or "none". Queries are never pooled. */
  kind(name) {
    if (this.arrays[`${name}/kernel`]) return "convolution";
    return this.header.pools[name] ? "pool" : "none";
  }

  /** A projection's parts; `shape`: (rows, columns) of its grid. */
  settings(name) {
    const kind = this.kind(name);
    const shape = this.header.shapes[name];
    if (kind === "none") return { kind, side: 1, stride: 1, padding: 0, shape };
    const side = kind === "pool" ? this.header.pools[name] : this.arrays[`${name}/kernel`].shape[1];
    return { kind, side, stride: this.header.strides[name], padding: this.header.paddings[name], shape };
  }

  /**
   * The cells under the window at one place of the projection's grid, row by row: { row, column, where }, the last "token", "padding",
   * which counts as zero, or "beyond", which a pool does not count.
   */
  window(name, row, column) {
    const { side, stride, padding } = this.settings(name);
    const where = (at, size) => (at >= 0 && at < size ? 0 : at < size + padding ? 1 : 2);
    return Array.from({ length: side * side }, (_, index) => {
      const y = row * stride - padding + Math.floor(index / side);
      const x = column * stride - padding + (index % side);
      return { row: y, column: x, where: ["token", "padding", "beyond"][Math.max(where(y, this.rows), where(x, this.columns))] };
    });
  }

  /** The weights of one channel's window there: the kernel, or equal shares of what the pool counts. */
  weights(name, channel, cells) {
    if (this.kind(name) === "convolution") {
      const kernel = this.arrays[`${name}/kernel`];
      return Array.from(kernel.subarray(channel * cells.length, (channel + 1) * cells.length));
    }
    const counted = cells.filter((each) => each.where !== "beyond").length;
    return cells.map((each) => (each.where === "beyond" ? 0 : 1 / counted));
  }

  /** Convolution and BatchNorm of one channel at one place, step by step; a pool has neither `scale` nor `shift`. */
  step(name, channel, row, column) {
    const cells = this.window(name, row, column);
    const tokens = this.channel(channel);
    const patch = cells.map((each) => (each.where === "token" ? tokens[each.row * this.columns + each.column] : 0));
    const kernel = this.weights(name, channel, cells);
    const products = patch.map((value, index) => value * kernel[index]);
    const sum = products.reduce((total, each) => total + each, 0);
    const found = { cells, patch, kernel, products, sum };
    if (this.kind(name) === "pool") return { ...found, scale: null, shift: null, scaled: sum, value: sum };
    const [scale, shift] = [this.arrays[`${name}/scale`][channel], this.arrays[`${name}/shift`][channel]];
    return { ...found, scale, shift, scaled: sum * scale, value: sum * scale + shift };
  }

  /** One channel's window sums over the projection's grid: those of `step`, without intermediate values. */
  sums(name, channel) {
    const { kind, side, stride, padding, shape } = this.settings(name);
    const kernel = kind === "pool" ? null : this.arrays[`${name}/kernel`].subarray(channel * side * side, (channel + 1) * side * side);
    const tokens = this.channel(channel);
    const counted = (at, size) => Math.min(at + side, size + padding) - at;
    const values = new Float32Array(shape[0] * shape[1]);
    for (let row = 0, at = 0; row < shape[0]; row++) {
      for (let column = 0; column < shape[1]; column++, at++) {
        const [top, left] = [row * stride - padding, column * stride - padding];
        let sum = 0;
        for (let y = Math.max(0, -top); y < side && top + y < this.rows; y++) {
          for (let x = Math.max(0, -left); x < side && left + x < this.columns; x++) {
            sum += tokens[(top + y) * this.columns + left + x] * (kernel ? kernel[y * side + x] : 1);
          }
        }
        values[at] = kernel ? sum : sum / (counted(top, this.rows) * counted(left, this.columns));
      }
    }
    return values;
  }

  /** One channel as the linear layer reads it: after convolution and BatchNorm, pooled, or unchanged. */
  convolved(name, channel) {
    const kind = this.kind(name);
    if (kind === "none") return this.channel(channel);
    const sums = this.sums(name, channel);
    if (kind === "pool") return sums;
    const [scale, shift] = [this.arrays[`${name}/scale`][channel], this.arrays[`${name}/shift`][channel]];
    return sums.map((sum) => sum * scale + shift);
  }

  /** One channel of the projection's input. */
  channel(channel) {
    return this.tokens.subarray(channel * this.rows * this.columns, (channel + 1) * this.rows * this.columns);
  }

  /** All channels as the linear layer reads them; computed once per projection. */
  all(name) {
    return this.once(name, () => Array.from({ length: this.channels }, (_, channel) => this.convolved(name, channel)));
  }

  /** All channels at one place; −1 is the cls token, which is not convolved. */
  read(name, place) {
    return place < 0 ? this.arrays.cls : Float32Array.from(this.all(name), (channel) => channel[place]);
  }

  /** One output channel of the linear layer over the grid. */
  projected(name, output) {
    return this.once(`${name} ${output}`, () => {
      const weights = this.row(name, output);
      const values = new Float32Array(this.all(name)[0].length).fill(this.arrays[`${name}/bias`][output]);
      this.all(name).forEach((channel, index) => {
        for (let at = 0; at < values.length; at++) values[at] += weights[index] * channel[at];
      });
      return values;
    });
  }

  /** The linear layer's weights for one of its outputs. */
  row(name, output) {
    return this.arrays[`${name}/linear`].subarray(output * this.channels, (output + 1) * this.channels);
  }

  /** The linear layer's sum at one place (−1: the cls token): its largest terms, the rest together, the bias and the result. */
  terms(name, output, place, most = 3) {
    const weights = this.row(name, output);
    const all = Array.from(this.read(name, place), (value, channel) => ({
      channel,
      value,
      weight: weights[channel],
      product: value * weights[channel],
    }));
    const sorted = all.sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
    const largest = sorted.slice(0, most);
    const rest = sorted.slice(most).reduce((sum, term) => sum + term.product, 0);
    const bias = this.arrays[`${name}/bias`][output];
    return {
      largest,
      rest,
      others: sorted.length - largest.length,
      bias,
      value: largest.reduce((sum, term) => sum + term.product, rest) + bias,
    };
  }

  /** One head's query, key or value at one place (−1: the cls token): (channels / heads). */
  vector(name, head, heads, place) {
    const dim = this.channels / heads;
    const read = this.read(name, place);
    return Float32Array.from({ length: dim }, (_, index) => {
      const weights = this.row(name, head * dim + index);
      let sum = this.arrays[`${name}/bias`][head * dim + index];
      for (let channel = 0; channel < this.channels; channel++) sum += weights[channel] * read[channel];
      return sum;
    });
  }

  /** What scores are multiplied by: one over the root of the width of all heads together, as in the authors' code. */
  get scale() {
    return 1 / Math.sqrt(this.channels);
  }

  /** All keys of a head, the cls token's first if there is one: one vector after the other. */
  keys(head, heads) {
    return this.once(`keys ${head} ${heads}`, () => {
      const dim = this.channels / heads;
      const first = this.arrays.cls ? 1 : 0;
      const [rows, columns] = this.header.shapes.key;
      const found = new Float32Array((first + rows * columns) * dim);
      if (first) found.set(this.vector("key", head, heads, -1));
      for (let index = 0; index < dim; index++) {
        const entries = this.projected("key", head * dim + index);
        for (let place = 0; place < entries.length; place++) found[(first + place) * dim + index] = entries[place];
      }
      return found;
    });
  }

  /** The scaled scores of one query (−1: the cls token's) for all keys, in the order of `keys`. */
  scores(head, heads, query) {
    const [q, keys] = [this.vector("query", head, heads, query), this.keys(head, heads)];
    return Float32Array.from({ length: keys.length / q.length }, (_, key) => {
      let sum = 0;
      for (let index = 0; index < q.length; index++) sum += q[index] * keys[key * q.length + index];
      return sum * this.scale;
    });
  }

  /** The attention score of a query for a key, −1 being the cls token: both vectors, their product, the scale, both multiplied. */
  score(head, heads, query, key) {
    const [q, k] = [this.vector("query", head, heads, query), this.vector("key", head, heads, key)];
    const products = q.map((value, index) => value * k[index]);
    const product = products.reduce((sum, each) => sum + each, 0);
    return { q, k, products, product, scale: this.scale, score: product * this.scale };
  }

  once(id, make) {
    if (!this.cache.has(id)) this.cache.set(id, make());
    return this.cache.get(id);
  }
}

/** Softmax of scores: each one's share of the sum of e to the power of all; `most` is the largest score, `total` that sum over e^most. */
export function softmax(scores) {
  const most = scores.reduce((found, each) => Math.max(found, each), -Infinity);
  const powers = Float64Array.from(scores, (score) => Math.exp(score - most));
  const total = powers.reduce((sum, each) => sum + each, 0);
  return { weights: powers.map((each) => each / total), most, total };
}
