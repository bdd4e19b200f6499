// Attention weights of a block from its queries and keys, computed by a small graph beside the model's: many products at once, which
// scripts alone would compute more slowly.

const AT_ONCE = 1 << 22; // weights computed at a time: 16 MiB

/**
 * @typedef {object} BlockAttention one block's
 * @property {Float32Array} query (heads, queries, dim)
 * @property {Float32Array} key (heads, keys, dim)
 * @property {number} heads @property {number} queries @property {number} keys @property {number} dim @property {number} scale
 */

export class Attention {
  /** @param {any} session of attention.onnx @param {any} Tensor of onnxruntime-web */
  constructor(session, Tensor) {
    this.session = session;
    this.Tensor = Tensor;
  }

  /**
   * Calls `take` with the named outputs for rows of queries, few enough at a time: `weights` (heads, rows, keys), and in the payload's
   * terms `values` of them as bytes, each row's `peak` (heads, rows) and `norm` (heads, rows), and their `sum` (heads, keys).
   * @param {BlockAttention} block @param {string[]} names @param {(found: Record<string, any>, first: number, rows: number) => void} take
   */
  async rows({ query, key, heads, queries, keys, dim, scale }, names, take) {
    const step = Math.max(1, Math.floor(AT_ONCE / (heads * keys)));
    const keyed = new this.Tensor("float32", key, [heads, keys, dim]);
    for (let first = 0; first < queries; first += step) {
      const rows = Math.min(step, queries - first);
      const part = rows === queries ? query : sliced(query, heads, queries * dim, first * dim, rows * dim);
      const given = {
        query: new this.Tensor("float32", part, [heads, rows, dim]),
        key: keyed,
        scale: new this.Tensor("float32", [scale], [1]),
      };
      const found = await this.session.run(given, names);
      take(Object.fromEntries(names.map((name) => [name, found[name].data])), first, rows);
    }
  }

  /** All weights as bytes (heads, queries, keys), and each row's largest (heads, queries). @param {BlockAttention} block */
  async quantised(block) {
    const { heads, queries, keys } = block;
    const [weights, peak] = [new Uint8Array(heads * queries * keys), new Float32Array(heads * queries)];
    await this.rows(block, ["values", "peak"], (found, first, rows) => {
      place(weights, found.values, heads, queries * keys, first * keys, rows * keys);
      place(peak, found.peak, heads, queries, first, rows);
    });
    return { weights, peak };
  }

  /** What the browser needs besides queries and keys to compute rows itself. @param {BlockAttention} block */
  async summed(block) {
    const { heads, queries, keys } = block;
    const [norm, peak, mean] = [new Float32Array(heads * queries), new Float32Array(heads * queries), new Float32Array(heads * keys)];
    await this.rows(block, ["norm", "peak", "sum"], (found, first, rows) => {
      place(norm, found.norm, heads, queries, first, rows);
      place(peak, found.peak, heads, queries, first, rows);
      for (let at = 0; at < mean.length; at++) mean[at] += found.sum[at] / queries;
    });
    return { norm, peak, mean };
  }
}

/** The same rows of every head: `count` numbers from `first` on, of `each` per head. */
function sliced(values, heads, each, first, count) {
  const found = new Float32Array(heads * count);
  for (let head = 0; head < heads; head++) found.set(values.subarray(head * each + first, head * each + first + count), head * count);
  return found;
}

function place(all, values, heads, each, first, count) {
  for (let head = 0; head < heads; head++) all.set(values.subarray(head * count, (head + 1) * count), head * each + first);
}
