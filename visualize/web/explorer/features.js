// Arithmetic of feature maps: uint8 per channel in the payload, floats on use.

/** A stage's feature map from the payload, with values computed on first use. */
export class Features {
  constructor(arrays, stage) {
    const own = (name) => arrays[`${stage}/${name}`];
    this.values = own("features");
    const [channels, rows, columns] = this.values.shape;
    this.channels = channels;
    this.rows = rows;
    this.columns = columns;
    this.tokens = rows * columns;
    this.lo = own("lo");
    this.hi = own("hi");
    this.pca = own("pca");
    this.mean = own("mean");
    this.byVariance = own("order");
    this.largest = 0; // over all channels, computed on first use
    /** @type {Map<boolean, Float32Array>} */
    this.directed = new Map();
  }

  /** One number: channel `channel` at token `token`. */
  at(channel, token) {
    const { lo, hi } = this;
    return lo[channel] + ((hi[channel] - lo[channel]) * this.values[channel * this.tokens + token]) / 255;
  }

  /** A channel as floats, (tokens). */
  channel(channel, out = new Float32Array(this.tokens)) {
    const start = channel * this.tokens;
    const low = this.lo[channel];
    const step = (this.hi[channel] - low) / 255;
    for (let token = 0; token < this.tokens; token++) out[token] = low + step * this.values[start + token];
    return out;
  }

  /** The largest absolute value of a channel, or of the whole stage. */
  extent(channel) {
    if (channel !== undefined) return Math.max(Math.abs(this.lo[channel]), Math.abs(this.hi[channel])) || 1;
    this.largest ||= Math.max(...Array.from(this.lo, (_, each) => this.extent(each)));
    return this.largest;
  }

  /**
   * Channels from first to last by "variance", "peak" (largest absolute value), "here" (value at `token`) or "region"
   * (`contrast` of the tokens in `region`).
   */
  order(by, token, region) {
    if (by === "variance") return Array.from(this.byVariance);
    const scored = {
      peak: (channel) => this.extent(channel),
      here: (channel) => this.at(channel, token),
      region: (channel) => this.contrast(channel, region),
    };
    const score = scored[by];
    const scores = Array.from({ length: this.channels }, (_, channel) => score(channel));
    return scores.map((_, channel) => channel).sort((a, b) => scores[b] - scores[a] || a - b);
  }

  /** How far a channel's mean over the tokens of `region` (1 or 0, tokens) is above that over the others, in standard deviations. */
  contrast(channel, region) {
    const values = this.channel(channel);
    let [inside, count, sum, squares] = [0, 0, 0, 0];
    values.forEach((value, token) => {
      sum += value;
      squares += value * value;
      if (region[token]) ((inside += value), count++);
    });
    const outside = this.tokens - count;
    const spread = Math.sqrt(Math.max(0, squares / this.tokens - (sum / this.tokens) ** 2));
    return count && outside && spread > 0 ? (inside / count - (sum - inside) / outside) / spread : 0;
  }

  /** Every token's vector at length 1, (tokens, channels); after subtracting the mean token if `centred`. */
  directions(centred) {
    const known = this.directed.get(centred);
    if (known) return known;
    const { channels, tokens } = this;
    const all = new Float32Array(tokens * channels);
    const one = new Float32Array(tokens);
    for (let channel = 0; channel < channels; channel++) {
      this.channel(channel, one);
      let mean = 0;
      if (centred) {
        for (const each of one) mean += each;
        mean /= tokens;
      }
      for (let token = 0; token < tokens; token++) all[token * channels + channel] = one[token] - mean;
    }
    for (let token = 0; token < tokens; token++) {
      let squares = 0;
      for (let index = token * channels; index < (token + 1) * channels; index++) squares += all[index] ** 2;
      const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
      for (let index = token * channels; index < (token + 1) * channels; index++) all[index] *= factor;
    }
    this.directed.set(centred, all);
    return all;
  }

  /** Cosine of the angle between one token's vector and every token's, (tokens), −1 … 1. */
  similarity(token, centred, out = new Float32Array(this.tokens)) {
    const { channels, tokens } = this;
    const all = this.directions(centred);
    const start = token * channels;
    for (let other = 0; other < tokens; other++) {
      const from = other * channels;
      let product = 0;
      for (let index = 0; index < channels; index++) product += all[start + index] * all[from + index];
      out[other] = product;
    }
    return out;
  }

  /** How many tokens fall into each of `bins` equal parts of a channel's range. */
  histogram(channel, bins = 32) {
    const counts = new Uint32Array(bins);
    const start = channel * this.tokens;
    for (let token = 0; token < this.tokens; token++) counts[Math.min(bins - 1, (this.values[start + token] * bins) >> 8)]++;
    return counts;
  }
}

/** Lowest and highest of some numbers. */
export function range(values) {
  let low = Infinity;
  let high = -Infinity;
  for (const each of values) {
    if (each < low) low = each;
    if (each > high) high = each;
  }
  return [low, high];
}
