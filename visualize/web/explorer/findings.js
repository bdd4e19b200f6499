// What a picture of attention, of a feature or of a class shows, in numbers: how much, where, and how far. No DOM and no text here.

import { cellOf, centre } from "../shared/geometry.js";
import { range } from "./features.js";

/**
 * @typedef {import("../shared/geometry.js").Grid} Grid
 * @typedef {{ y: number, x: number }} Point in pixels of the input
 */

const HALF = 0.5;
// A strongest cell below this many times the mean cell is nothing special; half of the attention then takes a third of the cells or
// more. Of the embedded model's rows, heads and blocks averaged or not, 99 % are above 1.57; a CvT-13 with random weights stays below 1.01.
const ALIKE = 1.5;
// A mean distance below this share of uniform attention's is near: about a tenth of the rows of the embedded model's heads.
const NEAR = 0.75;
const LIKE = 0.5; // cosine from which two tokens are alike: in the embedded model, between 2 and 17 % of a stage's tokens in the median
const STEADY = 0.05; // of the largest possible entropy: a smaller difference between blocks is none

const scratches = new Map(); // arrays that are reused on every frame, by kind and length
function scratch(Kind, length) {
  const id = `${Kind.name} ${length}`;
  if (!scratches.has(id)) scratches.set(id, new Kind(length));
  return scratches.get(id);
}

/** How few of some values, largest first, have a sum of at least `wanted`; all that are above 0 if these do not suffice. */
export function fewest(values, wanted) {
  const sorted = scratch(Float32Array, values.length);
  sorted.set(values);
  sorted.sort();
  let [sum, count] = [0, 0];
  for (let at = sorted.length - 1; at >= 0 && sum < wanted && sorted[at] > 0; at--, count++) sum += sorted[at];
  return count;
}

/** The index of the largest value. */
export function largest(values) {
  let best = 0;
  for (let at = 1; at < values.length; at++) if (values[at] > values[best]) best = at;
  return best;
}

function total(values) {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at];
  return sum;
}

/**
 * The mean distance from a point to the centres of a grid's cells in pixels, weighted by `weights`, or all alike without them; of
 * weights, only those above `least` count.
 * @param {Grid} grid
 * @param {Point} point
 * @param {ArrayLike<number> | null} [weights]
 */
export function meanDistance(grid, { y, x }, weights = null, least = 0) {
  const [rows, columns] = grid.shape;
  let [sum, all] = [0, 0];
  for (let row = 0, at = 0; row < rows; row++) {
    const down = grid.first[0] + row * grid.stride[0] - y;
    for (let column = 0; column < columns; column++, at++) {
      const weight = weights ? weights[at] : 1;
      if (weight <= least) continue;
      const right = grid.first[1] + column * grid.stride[1] - x;
      sum += weight * Math.sqrt(down * down + right * right);
      all += weight;
    }
  }
  return all > 0 ? sum / all : 0;
}

/** The mean distance that uniform attention of a cell has, computed once for each cell of a grid of queries and its grid of keys. */
const known = /** @type {WeakMap<Grid, WeakMap<Grid, Float64Array>>} */ (new WeakMap());
function uniformDistance(keys, queries, cell) {
  const perQueries = known.get(keys) ?? new WeakMap();
  known.set(keys, perQueries);
  const found = perQueries.get(queries) ?? new Float64Array(queries.shape[0] * queries.shape[1]).fill(-1);
  perQueries.set(queries, found);
  if (found[cell.index] < 0) found[cell.index] = meanDistance(keys, centre(queries, cell));
  return found[cell.index];
}

/**
 * Which way a cell of `grid` lies from a point: "here" if the point is in it, else a key such as "up", "up_right".
 * @param {Grid} grid
 */
export function direction(grid, cell, { y, x }) {
  const to = centre(grid, cell);
  const [down, right] = [to.y - y, to.x - x];
  if (Math.abs(down) <= grid.stride[0] / 2 && Math.abs(right) <= grid.stride[1] / 2) return "here";
  const vertical = Math.abs(down) > Math.abs(right) * Math.tan(Math.PI / 8) ? (down < 0 ? "up" : "down") : "";
  const horizontal = Math.abs(right) > Math.abs(down) * Math.tan(Math.PI / 8) ? (right < 0 ? "left" : "right") : "";
  return [vertical, horizontal].filter(Boolean).join("_");
}

/**
 * The part of the picture, of nine, that a point lies in: "centre", "top", "top_left", …
 * @param {Point} point
 */
export function part({ y, x }, [height, width]) {
  const third = (value, names) => names[Math.min(2, Math.max(0, Math.floor(3 * value)))];
  const found = [third(y / height, ["top", "", "bottom"]), third(x / width, ["left", "", "right"])].filter(Boolean);
  return found.join("_") || "centre";
}

const partOf = (grid, index, input) => part(centre(grid, cellOf(grid, index)), input);

/**
 * A row of weights of attention on a grid of keys. `half` cells hold half of the whole row, the cls token's weight `own` included;
 * the strongest, `best`, has `share` of it, `times` as much as uniform. `kind`: "single" (there is one cell only), "inward" (the cls
 * token takes half or more), "alike", "near", "far", or "some" without a place to look from.
 * @param {{ values: ArrayLike<number>, grid: Grid, even: number, clsWeight: number | null }} map `even`: 1 × uniform
 * @param {?{ queries: Grid, cell: import("../shared/geometry.js").Cell }} from the token that looks; null for the cls token and for
 *   the mean of all tokens, which have no place
 * @param {[number, number]} input
 */
export function attentionFinding({ values, grid, even, clsWeight }, from, input) {
  const cells = values.length;
  const own = clsWeight ?? 0;
  const onCells = total(values);
  const best = largest(values);
  const point = from ? centre(from.queries, from.cell) : null;
  const distance = point ? meanDistance(grid, point, values) : 0;
  const uniform = from ? uniformDistance(grid, from.queries, from.cell) : 0;
  let kind = "some";
  if (cells === 1) kind = "single";
  else if (own >= HALF * (onCells + own)) kind = "inward";
  else if (values[best] * cells < ALIKE * onCells) kind = "alike";
  else if (from) kind = distance < NEAR * uniform ? "near" : "far";
  return {
    kind,
    cells,
    half: fewest(values, HALF * (onCells + own)),
    own: clsWeight,
    best,
    share: values[best],
    times: values[best] / even,
    part: partOf(grid, best, input),
    distance,
    uniform,
    direction: point ? direction(grid, cellOf(grid, best), point) : "",
  };
}

/**
 * A column of weights: which of the tokens on `grid` look at one key more than if they looked everywhere alike. `distance`: the mean
 * of these tokens, by their weights. `kind`: "alike" if each token looks there about as much as anywhere, "none" if no token does more.
 * @param {{ values: ArrayLike<number>, grid: Grid, even: number }} map
 * @param {?Point} point the key's centre; null for the cls token
 * @param {[number, number]} input
 */
export function receivedFinding({ values, grid, even }, point, input) {
  const best = largest(values);
  let tokens = 0;
  let least = Infinity;
  for (let at = 0; at < values.length; at++) {
    if (values[at] > even) tokens++;
    if (values[at] < least) least = values[at];
  }
  const alike = values[best] < ALIKE * even && least * ALIKE > even;
  return {
    kind: alike ? "alike" : tokens ? "some" : "none",
    tokens,
    of: values.length,
    share: values[best],
    even,
    part: partOf(grid, best, input),
    distance: point ? meanDistance(grid, point, values, even) : 0,
    direction: point ? direction(grid, cellOf(grid, best), point) : "",
  };
}

/**
 * The rows of one query in the blocks of a stage: in which it looks at the fewest places (`closest`, null if in all alike), and its own
 * weight in the first and the last.
 * @param {{ block: number, entropy: number, own: number }[]} rows `entropy` in bits
 * @param {number} keys
 */
export function blocksFinding(rows, keys) {
  let [closest, widest] = [rows[0], rows[0]];
  for (const each of rows) {
    if (each.entropy < closest.entropy) closest = each;
    if (each.entropy > widest.entropy) widest = each;
  }
  const steady = widest.entropy - closest.entropy < STEADY * Math.log2(keys);
  return { blocks: rows.length, closest: steady ? null : closest.block, first: rows[0].own, last: rows[rows.length - 1].own };
}

/**
 * A feature map's values: the sign of the value furthest from 0, the part of the picture it is in, and how many cells (`share` of all)
 * reach half of it. `kind`: "none" if all are 0, "everywhere" if all reach half, else "some".
 * @param {Grid} grid
 */
export function featureFinding(values, grid, input) {
  const [low, high] = range(values);
  const sign = -low > high ? -1 : 1;
  const peak = sign < 0 ? -low : high;
  let [count, best] = [0, 0];
  for (let at = 0; at < values.length; at++) {
    if (sign * values[at] >= HALF * peak) count++;
    if (sign * values[at] > sign * values[best]) best = at;
  }
  const kind = peak === 0 ? "none" : count === values.length ? "everywhere" : "some";
  return { kind, sign, count, of: values.length, share: count / values.length, part: partOf(grid, best, input) };
}

/**
 * How many tokens other than one are like it by their cosines (`tokens` of `of`), how far away they are on average, and how many tokens,
 * itself included, hang together with it side by side.
 * @param {Grid} grid
 * @param {{ row: number, column: number, index: number }} cell
 */
export function similarityFinding(cosines, grid, cell) {
  const like = scratch(Uint8Array, cosines.length);
  let tokens = 0;
  for (let at = 0; at < like.length; at++) tokens += like[at] = at !== cell.index && cosines[at] >= LIKE ? 1 : 0;
  const distance = meanDistance(grid, centre(grid, cell), like);
  return { tokens, of: cosines.length - 1, together: together(like, grid, cell.index), distance, least: LIKE };
}

/** How many cells of `left` (1 or 0; used up) hang together with one cell, which counts too. */
function together(left, grid, start) {
  const [rows, columns] = grid.shape;
  const pending = scratch(Int32Array, left.length);
  let [count, end] = [0, 0];
  const reach = (at) => {
    left[at] = 0;
    pending[end++] = at;
  };
  reach(start);
  for (; count < end; count++) {
    const at = pending[count];
    const column = at % columns;
    if (at >= columns && left[at - columns]) reach(at - columns);
    if (at + columns < rows * columns && left[at + columns]) reach(at + columns);
    if (column > 0 && left[at - 1]) reach(at - 1);
    if (column + 1 < columns && left[at + 1]) reach(at + 1);
  }
  return count;
}

/**
 * What speaks for a class: how few cells carry half of what adds, where the strongest is, and how many cells subtract.
 * @param {{ values: ArrayLike<number>, grid: Grid, places: number, rest: number }} found views.js's classEvidence
 * @param {[number, number]} input
 */
export function evidenceFinding({ values, grid, places, rest }, input) {
  let [adds, against] = [0, 0];
  for (let at = 0; at < values.length; at++) {
    adds += Math.max(0, values[at]);
    if (values[at] < 0) against++;
  }
  return { half: fewest(values, HALF * adds), cells: values.length, part: partOf(grid, largest(values), input), against, places, rest };
}
