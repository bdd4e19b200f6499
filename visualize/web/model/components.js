// The first three principal components of a feature map as colours, as visualize/maps/features.py finds them.

const DIRECTIONS = 16;
const [ROUNDS, CHECKS] = [6, 8]; // of the iteration: rounds between two checks, checks
const EXACT = 1e-9; // of the largest eigenvalue
const NOTHING = 1e-12; // what explains less of the largest component's share is a rounding error

/**
 * @param {Float32Array} features (C, tokens) @param {number} channels
 * @returns {{ rgb: Uint8Array, explained: number[] }} colours of each token, and the shares of the variance
 */
export function principalComponents(features, channels) {
  const tokens = features.length / channels;
  const values = centred(features, channels, tokens);
  const ofTokens = channels > tokens;
  const gram = ofTokens ? products(transposed(values, channels, tokens), tokens, channels) : products(values, channels, tokens);
  const size = ofTokens ? tokens : channels;
  const { eigenvalues, vectors } = largest(gram, size);
  let total = 0;
  for (let at = 0; at < size; at++) total += gram[at * size + at];
  const rgb = new Uint8Array(tokens * 3);
  const explained = [0, 0, 0];
  for (let component = 0; component < 3; component++) {
    const value = eigenvalues[component] ?? 0;
    const real = component < eigenvalues.length && value > NOTHING * eigenvalues[0];
    const scores = real ? projected(values, channels, tokens, vectors[component], ofTokens, value) : new Float64Array(tokens);
    if (real && total > 0) explained[component] = value / total;
    paint(rgb, component, scores);
  }
  return { rgb, explained };
}

function centred(features, channels, tokens) {
  const values = Float64Array.from(features);
  for (let channel = 0; channel < channels; channel++) {
    const row = values.subarray(channel * tokens, (channel + 1) * tokens);
    let mean = 0;
    for (const value of row) mean += value;
    mean /= tokens;
    for (let at = 0; at < tokens; at++) row[at] -= mean;
  }
  return values;
}

function transposed(values, rows, columns) {
  const found = new Float64Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) found[column * rows + row] = values[row * columns + column];
  return found;
}

/** The products of all rows with each other: (rows, rows). */
function products(values, rows, columns) {
  const gram = new Float64Array(rows * rows);
  for (let one = 0; one < rows; one++) {
    for (let other = 0; other <= one; other++) {
      let sum = 0;
      for (let at = one * columns, to = other * columns, end = at + columns; at < end; at++, to++) sum += values[at] * values[to];
      gram[one * rows + other] = gram[other * rows + one] = sum;
    }
  }
  return gram;
}

/** The scores of all tokens along one component, its sign chosen so that its largest loading is positive. */
function projected(values, channels, tokens, vector, ofTokens, eigenvalue) {
  const scores = new Float64Array(tokens);
  let strongest = 0;
  for (let channel = 0; channel < channels; channel++) {
    const from = channel * tokens;
    let loading = ofTokens ? 0 : vector[channel];
    if (ofTokens) for (let at = 0; at < tokens; at++) loading += values[from + at] * vector[at];
    else for (let at = 0; at < tokens; at++) scores[at] += values[from + at] * loading;
    if (Math.abs(loading) > Math.abs(strongest)) strongest = loading;
  }
  const length = Math.sqrt(eigenvalue);
  if (ofTokens) for (let at = 0; at < tokens; at++) scores[at] = length * vector[at];
  return strongest < 0 ? scores.map((score) => -score) : scores;
}

/** Writes scores as levels of one colour, stretched from their 1st to their 99th percentile. */
function paint(rgb, component, scores) {
  const sorted = scores.slice().sort();
  const [low, high] = [percentile(sorted, 0.01), percentile(sorted, 0.99)];
  scores.forEach((score, at) => {
    const share = high > low ? (score - low) / Math.max(high - low, 1e-12) : 0.5;
    rgb[at * 3 + component] = half(Math.min(1, Math.max(0, share)) * 255);
  });
}

/** Rounded, halves to the even number, as NumPy does. */
function half(value) {
  const below = Math.floor(value);
  return value - below === 0.5 ? below + (below % 2) : Math.round(value);
}

function percentile(sorted, share) {
  const place = share * (sorted.length - 1);
  const below = Math.floor(place);
  return sorted[below] + (place - below) * (sorted[Math.min(below + 1, sorted.length - 1)] - sorted[below]);
}

/**
 * The three largest eigenvalues of a symmetric matrix (size, size), largest first, and their vectors. A few directions are multiplied by it
 * until the first three no longer turn; a small matrix, or one whose eigenvalues lie too close together, is turned until it is diagonal.
 */
function largest(matrix, size) {
  if (size > 2 * DIRECTIONS) {
    const square = scaled(products(matrix, size, size), size); // symmetric: rows are columns
    const fourth = products(square, size, size);
    let basis = start(size);
    for (let check = 0; check < CHECKS; check++) {
      for (let round = 0; round < ROUNDS; round++)
        if (!orthonormal((basis = basis.map((each) => multiplied(fourth, each))))) return jacobi(matrix, size);
      const images = basis.map((each) => multiplied(matrix, each));
      const inner = new Float64Array(DIRECTIONS * DIRECTIONS);
      basis.forEach((one, row) => images.forEach((other, column) => (inner[row * DIRECTIONS + column] = dot(one, other))));
      const { eigenvalues, vectors } = jacobi(inner, DIRECTIONS);
      const found = vectors.map((turn) => combined(basis, turn));
      const off = found.map((vector, index) => {
        const image = combined(images, vectors[index]);
        return Math.hypot(...image.map((value, at) => value - eigenvalues[index] * vector[at]));
      });
      if (Math.hypot(...off) <= EXACT * eigenvalues[0]) return { eigenvalues, vectors: found };
    }
  }
  return jacobi(matrix, size);
}

const dot = (one, other) => {
  let sum = 0;
  for (let at = 0; at < one.length; at++) sum += one[at] * other[at];
  return sum;
};

function scaled(matrix, size) {
  let trace = 0;
  for (let at = 0; at < size; at++) trace += matrix[at * size + at];
  return matrix.map((value) => value / Math.max(trace, 1e-300));
}

function multiplied(matrix, vector) {
  const size = vector.length;
  return Float64Array.from(vector, (_, row) => dot(matrix.subarray(row * size, (row + 1) * size), vector));
}

function combined(basis, shares) {
  const sum = new Float64Array(basis[0].length);
  basis.forEach((each, index) => {
    for (let at = 0; at < sum.length; at++) sum[at] += shares[index] * each[at];
  });
  return sum;
}

/** Directions to start from, the same every time: a linear congruential generator's numbers. */
function start(size) {
  let state = 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32 - 0.5;
  return Array.from({ length: DIRECTIONS }, () => Float64Array.from({ length: size }, next));
}

/** Makes vectors orthonormal in place, twice, since once leaves rounding errors; false where they do not span as many dimensions. */
function orthonormal(basis) {
  for (let time = 0; time < 2; time++) {
    for (let index = 0; index < basis.length; index++) {
      const own = basis[index];
      for (let other = 0; other < index; other++) {
        const share = dot(own, basis[other]);
        for (let at = 0; at < own.length; at++) own[at] -= share * basis[other][at];
      }
      const length = Math.sqrt(dot(own, own));
      if (!(length > 1e-150)) return false;
      for (let at = 0; at < own.length; at++) own[at] /= length;
    }
  }
  return true;
}

/** The same by Jacobi's rotations (https://en.wikipedia.org/wiki/Jacobi_eigenvalue_algorithm), which find all of them. */
function jacobi(matrix, size) {
  const own = matrix.slice();
  // the rows of the identity, which turn
  const turned = Array.from({ length: size }, (_, row) => Float64Array.from({ length: size }, (_, at) => Number(at === row)));
  for (let sweep = 0; sweep < 60; sweep++) {
    let [off, all] = [0, 0];
    for (let row = 0; row < size; row++)
      for (let at = 0; at < size; at++) ((all += own[row * size + at] ** 2), at !== row && (off += own[row * size + at] ** 2));
    if (off <= 1e-24 * all) break;
    for (let p = 0; p < size - 1; p++) for (let q = p + 1; q < size; q++) rotate(own, turned, size, p, q);
  }
  const order = Array.from({ length: size }, (_, at) => at)
    .sort((a, b) => own[b * size + b] - own[a * size + a])
    .slice(0, 3);
  return { eigenvalues: order.map((at) => Math.max(0, own[at * size + at])), vectors: order.map((at) => turned[at]) };
}

function rotate(own, turned, size, p, q) {
  const between = own[p * size + q];
  if (between === 0) return;
  const angle = 0.5 * Math.atan2(2 * between, own[q * size + q] - own[p * size + p]);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  for (let at = 0; at < size; at++) {
    const [one, other] = [own[at * size + p], own[at * size + q]];
    own[at * size + p] = cosine * one - sine * other;
    own[at * size + q] = sine * one + cosine * other;
  }
  for (let at = 0; at < size; at++) {
    const [one, other] = [own[p * size + at], own[q * size + at]];
    own[p * size + at] = cosine * one - sine * other;
    own[q * size + at] = sine * one + cosine * other;
    const [first, second] = [turned[p][at], turned[q][at]];
    turned[p][at] = cosine * first - sine * second;
    turned[q][at] = sine * first + cosine * second;
  }
}
