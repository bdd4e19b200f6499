// What a result says of classes: probabilities, the most probable ones, and each place's direct contribution to their scores, as
// visualize/maps/evidence.py computes it.

export function softmax(logits) {
  const most = logits.reduce((found, each) => Math.max(found, each), -Infinity);
  const powers = Float64Array.from(logits, (each) => Math.exp(each - most));
  const total = powers.reduce((sum, each) => sum + each, 0);
  return Float32Array.from(powers, (each) => each / total);
}

/** The indices of the `count` largest values, largest first, the first of equals first. */
export function best(values, count) {
  return Array.from(values.keys())
    .sort((a, b) => values[b] - values[a] || a - b)
    .slice(0, count);
}

/** A token (C) after the LayerNorm before the classifier: its weight, bias and eps. */
export function normed(token, { weight, bias, eps }) {
  const { mean, deviation } = spread(token, eps);
  return Float32Array.from(token, (value, at) => ((value - mean) / deviation) * weight[at] + bias[at]);
}

function spread(token, eps) {
  let [mean, squares] = [0, 0];
  for (const value of token) mean += value / token.length;
  for (const value of token) squares += (value - mean) ** 2 / token.length;
  return { mean, deviation: Math.sqrt(squares + eps) };
}

/** The classifier's logits for what it reads (C), by its weight (classes, C) and bias. */
export function classified(read, { weight, bias }) {
  return Float32Array.from(bias, (start, label) => {
    let sum = start;
    for (let at = 0, from = label * read.length; at < read.length; at++) sum += weight[from + at] * read[at];
    return sum;
  });
}

/**
 * @param {object} seen
 * @param {Float32Array} seen.logits @param {number[]} seen.shown indices of the classes
 * @param {?Float32Array} seen.cls the last stage's cls token before the LayerNorm; null without one
 * @param {Float32Array[]} seen.added what attention adds to it from each key (keys, C), of the blocks that reach the classifier
 * @param {Float32Array} seen.features (C, tokens) of the last stage
 * @param {{ classifier: any, norm: any }} head
 * @returns {?{ places: Float32Array, rest: Float32Array, cells: number }} for each class `cells` numbers, and one; null without places
 */
export function classEvidence({ logits, shown, cls, added, features }, { classifier, norm }) {
  if (cls && !added.length) return null;
  const width = norm.weight.length;
  const apart = differences(classifier.weight, shown, logits.length, width);
  const cells = cls ? added[0].length / width : features.length / width;
  const places = new Float32Array(shown.length * cells);
  const vectors = cls ? together(added) : tokensOf(features, width, cells, norm);
  shown.forEach((_, index) => {
    const direction = cls ? beforeNorm(apart[index], norm, cls) : apart[index];
    for (let cell = 0; cell < cells; cell++) {
      let sum = 0;
      for (let at = 0; at < width; at++) sum += direction[at] * vectors[cell * width + at];
      places[index * cells + cell] = cls ? sum : sum / cells;
    }
  });
  const mean = logits.reduce((sum, each) => sum + each, 0) / logits.length;
  const rest = Float32Array.from(shown, (label, index) => {
    return logits[label] - mean - places.subarray(index * cells, (index + 1) * cells).reduce((sum, each) => sum + each, 0);
  });
  return { places, rest, cells };
}

/** Each class's weights without the mean of all classes'. */
function differences(weight, shown, classes, width) {
  const mean = new Float64Array(width);
  for (let at = 0; at < weight.length; at++) mean[at % width] += weight[at] / classes;
  return shown.map((label) => Float64Array.from(mean, (each, at) => weight[label * width + at] - each));
}

/** The factors from a vector that is added before the LayerNorm to the score, for this token's deviation. */
function beforeNorm(apart, { weight, eps }, token) {
  const { deviation } = spread(token, eps);
  const through = apart.map((each, at) => (each * weight[at]) / deviation);
  const mean = through.reduce((sum, each) => sum + each, 0) / through.length;
  return through.map((each) => each - mean);
}

function together(added) {
  const sum = new Float64Array(added[0].length);
  for (const each of added) for (let at = 0; at < sum.length; at++) sum[at] += each[at];
  return sum;
}

/** (C, tokens) as tokens (tokens, C) after the LayerNorm. */
function tokensOf(features, width, count, norm) {
  const found = new Float32Array(features.length);
  for (let cell = 0; cell < count; cell++) {
    const token = Float32Array.from({ length: width }, (_, channel) => features[channel * count + cell]);
    found.set(normed(token, norm), cell * width);
  }
  return found;
}
