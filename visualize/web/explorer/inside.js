// The arithmetic inside a block: tokens → depth-wise convolution → BatchNorm → linear layer → query, key or value.

import { parse } from "./payload.js";

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

  /** Whether the projection begins with a convolution. */
  convolves(name) {
    return Boolean(this.arrays[`${name}/kernel`]);
  }

  /** A projection's parts. */
  settings(name) {
    const kernel = this.arrays[`${name}/kernel`];
    const side = kernel ? kernel.shape[1] : 1;
    const stride = kernel ? this.header.strides[name] : 1;
    const padding = kernel ? this.header.paddings[name] : 0;
    const out = (size) => Math.floor((size + 2 * padding - side) / stride) + 1;
    return { side, stride, padding, shape: [out(this.rows), out(this.columns)] };
  }

  /** One channel's kernel, (side · side). */
  kernel(name, channel) {
    const { side } = this.settings(name);
    return this.arrays[`${name}/kernel`].subarray(channel * side * side, (channel + 1) * side * side);
  }

  /** The values under the kernel at one place of the projection's grid, zero outside: (side · side). */
  patch(name, channel, row, column) {
    const { side, stride, padding } = this.settings(name);
    const values = [];
    for (let y = 0; y < side; y++) {
      for (let x = 0; x < side; x++) {
        const [from, at] = [row * stride - padding + y, column * stride - padding + x];
        const inside = from >= 0 && from < this.rows && at >= 0 && at < this.columns;
        values.push(inside ? this.tokens[(channel * this.rows + from) * this.columns + at] : 0);
      }
    }
    return values;
  }

  /** Convolution and BatchNorm of one channel at one place, step by step. */
  step(name, channel, row, column) {
    const patch = this.patch(name, channel, row, column);
    const kernel = Array.from(this.kernel(name, channel));
    const sum = patch.reduce((total, value, index) => total + value * kernel[index], 0);
    const [scale, shift] = [this.arrays[`${name}/scale`][channel], this.arrays[`${name}/shift`][channel]];
    return { patch, kernel, sum, scale, shift, value: sum * scale + shift };
  }

  /** One channel after convolution and BatchNorm, over the projection's grid. The same sums as in `step`, without intermediate values. */
  convolved(name, channel) {
    const { side, stride, padding, shape } = this.settings(name);
    const kernel = this.kernel(name, channel);
    const tokens = this.channel(channel);
    const [scale, shift] = [this.arrays[`${name}/scale`][channel], this.arrays[`${name}/shift`][channel]];
    const values = new Float32Array(shape[0] * shape[1]);
    for (let row = 0, at = 0; row < shape[0]; row++) {
      for (let column = 0; column < shape[1]; column++, at++) {
        let sum = 0;
        for (let y = 0; y < side; y++) {
          const from = row * stride - padding + y;
          if (from < 0 || from >= this.rows) continue;
          for (let x = 0; x < side; x++) {
            const to = column * stride - padding + x;
            if (to >= 0 && to < this.columns) sum += tokens[from * this.columns + to] * kernel[y * side + x];
          }
        }
        values[at] = sum * scale + shift;
      }
    }
    return values;
  }

  /** One channel of the projection's input. */
  channel(channel) {
    return this.tokens.subarray(channel * this.rows * this.columns, (channel + 1) * this.rows * this.columns);
  }

  /** All channels after convolution and BatchNorm, or unchanged without them; computed once per projection. */
  all(name) {
    if (!this.cache.has(name)) {
      const each = (channel) => (this.convolves(name) ? this.convolved(name, channel) : this.channel(channel));
      this.cache.set(
        name,
        Array.from({ length: this.channels }, (_, channel) => each(channel)),
      );
    }
    return this.cache.get(name);
  }

  /** One output channel of the linear layer over the grid. */
  projected(name, output) {
    const id = `${name} ${output}`;
    if (!this.cache.has(id)) this.cache.set(id, this.mixed(name, output));
    return this.cache.get(id);
  }

  mixed(name, output) {
    const all = this.all(name);
    const weights = this.arrays[`${name}/linear`].subarray(output * this.channels, (output + 1) * this.channels);
    const values = new Float32Array(all[0].length).fill(this.arrays[`${name}/bias`][output]);
    all.forEach((channel, index) => {
      const weight = weights[index];
      for (let at = 0; at < values.length; at++) values[at] += weight * channel[at];
    });
    return values;
  }

  /** The linear layer's sum at one place: its largest terms, the rest together, the bias and the result. */
  terms(name, output, place, most = 3) {
    const weights = this.arrays[`${name}/linear`].subarray(output * this.channels, (output + 1) * this.channels);
    const all = this.all(name).map((channel, index) => ({ channel: index, weight: weights[index], value: channel[place] }));
    const product = (term) => term.weight * term.value;
    const sorted = all.sort((a, b) => Math.abs(product(b)) - Math.abs(product(a)));
    const rest = sorted.slice(most).reduce((sum, term) => sum + product(term), 0);
    const bias = this.arrays[`${name}/bias`][output];
    const largest = sorted.slice(0, most);
    return {
      largest,
      rest,
      others: sorted.length - largest.length,
      bias,
      value: largest.reduce((sum, term) => sum + product(term), rest) + bias,
    };
  }

  /** One head's query or key at one place: (channels / heads). */
  vector(name, head, heads, place) {
    const dim = this.channels / heads;
    const all = this.all(name);
    const linear = this.arrays[`${name}/linear`];
    return Float32Array.from({ length: dim }, (_, index) => {
      const output = head * dim + index;
      let sum = this.arrays[`${name}/bias`][output];
      for (let channel = 0; channel < this.channels; channel++) sum += linear[output * this.channels + channel] * all[channel][place];
      return sum;
    });
  }

  /** The attention score of a query for a key: their product, the scale (of all heads' width together), both multiplied. */
  score(head, heads, query, key) {
    const [q, k] = [this.vector("query", head, heads, query), this.vector("key", head, heads, key)];
    const product = q.reduce((sum, value, index) => sum + value * k[index], 0);
    const scale = 1 / Math.sqrt(this.channels);
    return { product, scale, score: product * scale };
  }
}
