// Arithmetic of attention weights. A block is what payload.js's blockOf gives; head −1 is the mean over heads everywhere.

const headsOf = (block, head) => (head < 0 ? Array.from({ length: block.heads }, (_, each) => each) : [head]);

/** How strongly one query attends to every key, into `out` (Float32Array of block.keys); sums to 1. */
export function row(block, head, query, out = new Float32Array(block.keys)) {
  const { keys, queries } = block;
  const heads = headsOf(block, head);
  out.fill(0);
  for (const each of heads) {
    if (block.weights) {
      const start = (each * queries + query) * keys;
      const factor = block.peak[each * queries + query] / 255 / heads.length;
      for (let key = 0; key < keys; key++) out[key] += block.weights[start + key] * factor;
    } else {
      for (let key = 0; key < keys; key++) out[key] += weight(block, each, query, key) / heads.length;
    }
  }
  return out;
}

/** How strongly every query attends to one key, into `out` (Float32Array of block.queries). */
export function column(block, head, key, out = new Float32Array(block.queries)) {
  const heads = headsOf(block, head);
  out.fill(0);
  for (const each of heads) {
    for (let query = 0; query < block.queries; query++) out[query] += weight(block, each, query, key) / heads.length;
  }
  return out;
}

/** One weight of one head. */
export function weight(block, head, query, key) {
  const { queries, keys, dim } = block;
  const place = head * queries + query;
  if (block.weights) return (block.weights[place * keys + key] * block.peak[place]) / 255;
  const q = place * dim;
  const k = (head * keys + key) * dim;
  let score = 0;
  for (let index = 0; index < dim; index++) score += block.query[q + index] * block.key[k + index];
  return Math.exp(score - block.norm[place]);
}

/** The mean of all rows, (block.keys): the attention that each key receives from all queries. */
export function meanRow(block, head) {
  block.means ??= new Map();
  if (!block.means.has(head)) {
    const sum = new Float64Array(block.keys);
    for (const each of headsOf(block, head)) {
      if (block.mean) {
        for (let key = 0; key < block.keys; key++) sum[key] += block.mean[each * block.keys + key] * block.queries;
        continue;
      }
      for (let query = 0; query < block.queries; query++) {
        const one = row(block, each, query);
        for (let key = 0; key < block.keys; key++) sum[key] += one[key];
      }
    }
    const count = block.queries * headsOf(block, head).length;
    block.means.set(
      head,
      Float32Array.from(sum, (each) => each / count),
    );
  }
  return block.means.get(head);
}

/** The statistics of a row of weights: entropy in bits, `uniform` the largest weight in multiples of 1 / keys. */
export function statistics(weights) {
  let minimum = Infinity;
  let maximum = -Infinity;
  let sum = 0;
  let entropy = 0;
  for (const each of weights) {
    if (each < minimum) minimum = each;
    if (each > maximum) maximum = each;
    sum += each;
    if (each > 0) entropy -= each * Math.log2(each);
  }
  return { minimum, maximum, sum, entropy, uniform: maximum * weights.length };
}
