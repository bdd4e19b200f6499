// What the model says of a picture that is moved around its edges, and how well every stage's features follow, as
// visualize/change/positions.py compares them. Other changes and paddings are for the page with a server.

import { oneOf, whole } from "./asked.js";
import { movedLines } from "./lines.js";
import { classes, rounded } from "./rounded.js";

/** @type {import("./answers.js").Answer} */
export async function transform(engine, before, asked, onStep, signal) {
  const { facts, stages } = engine;
  const [height, width] = facts.input;
  const { turn = 0, patch = 0 } = asked;
  oneOf(asked, "flip", ["none", "horizontal", "vertical"], "none");
  const plain = { height, width, flip: "none", padding: "zeros" };
  if (turn % 360 || patch || Object.entries(plain).some(([name, value]) => (asked[name] ?? value) !== value)) return undefined;
  const most = Math.max(height, width);
  const shift = { down: whole(asked, "down", -most, most, 0), right: whole(asked, "right", -most, most, 0) };
  const moves = shift.down !== 0 || shift.right !== 0;
  onStep({ step: "running", share: 0 });
  const { request, seen } = before;
  const after = await engine.result(
    {
      ...request,
      id: `${request.id} ${modulo(shift.down, height)},${modulo(shift.right, width)}`,
      pixels: rolled(seen.pixels, facts.input, shift),
      crop: await engine.codec.rolled(seen.crop, facts.input, shift),
      whole: null,
      also: seen.shown,
      moved: true,
    },
    signal,
  );
  const aligned = facts.aligned[stages.length - 1];
  const code = moves && !request.moved && !request.interventions.length ? { changed: movedLines(shift) } : {};
  return {
    label: facts.labels[seen.shown[0]],
    stays: after.seen.shown[0] === seen.shown[0],
    before: classes(seen, facts.labels),
    after: classes(after.seen, facts.labels),
    agreement: stages.map((stage, index) => agreement(seen.features[index], after.seen.features[index], stage, facts.input, shift, moves)),
    padding_before: "zeros",
    aligned: facts.aligned,
    is_aligned: aligned !== null && shift.down % aligned[0] === 0 && shift.right % aligned[1] === 0,
    value: engine.value(after, code),
  };
}

const modulo = (value, by) => ((value % by) + by) % by;

/** RGB pixels moved; what leaves at one side enters at the other. */
export function rolled(pixels, size, { down, right }) {
  const [height, width] = size;
  const found = new Uint8Array(pixels.length);
  for (let row = 0; row < height; row++) {
    const to = modulo(row + down, height) * width * 3;
    const line = pixels.subarray(row * width * 3, (row + 1) * width * 3);
    const split = (width - modulo(right, width)) * 3;
    found.set(line.subarray(split), to);
    found.set(line.subarray(0, split), to + line.length - split);
  }
  return found;
}

/** The mean cosines of a stage's tokens (C, H, W) with those after the shift, once it is undone. */
function agreement(before, after, { width, query }, size, shift, moves) {
  const [rows, columns] = query.shape;
  const along = [shift.down, shift.right];
  const axes = [0, 1].map((axis) => {
    return Array.from({ length: query.shape[axis] }, (_, at) => {
      const centre = query.first[axis] + at * query.stride[axis];
      const place = ((moves ? modulo(centre + along[axis], size[axis]) : centre) - query.first[axis]) / query.stride[axis];
      return { place, whole: Math.abs(place - Math.round(place)) < 1e-6 };
    });
  });
  const groups = { all: [0, 0], border: [0, 0], inside: [0, 0] }; // sum and count
  let exact = true;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const place = located(axes[0][row], axes[1][column], query.shape, moves);
      if (!place) continue;
      exact &&= axes[0][row].whole && axes[1][column].whole;
      const cosine = compared(before, after, width, query.shape, row * columns + column, place);
      if (!Number.isFinite(cosine)) continue;
      const rim = row === 0 || column === 0 || row === rows - 1 || column === columns - 1;
      for (const group of [groups.all, rim ? groups.border : groups.inside]) {
        group[0] += cosine;
        group[1] += 1;
      }
    }
  }
  const mean = (/** @type {number[]} */ [sum, count]) => (count ? rounded(sum / count) : null);
  return {
    ...{ cosine: mean(groups.all), border: mean(groups.border), inside: mean(groups.inside) },
    ...{ compared: rounded(groups.all[1] / (rows * columns)), exact },
  };
}

/** The row and column after the shift of a cell, as NumPy's undo finds it; null if it lies beyond the outermost cells. */
function located(y, x, shape, moves) {
  const each = [y, x].map(({ place, whole }, axis) => {
    const exact = whole ? Math.round(place) : place;
    const at = whole && moves ? modulo(exact, shape[axis]) : exact;
    return at >= 0 && at <= shape[axis] - 1 ? at : null;
  });
  return each.includes(null) ? null : /** @type {number[]} */ (each);
}

/** The cosine of one token with the features at a place between others, bilinear. */
function compared(before, after, width, shape, cell, place) {
  const [rows, columns] = shape;
  const [y, x] = place;
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [v, u] = [y - top, x - left];
  const [bottom, right] = [Math.min(top + 1, rows - 1), Math.min(left + 1, columns - 1)];
  const corners = [
    [top * columns + left, (1 - v) * (1 - u)],
    [top * columns + right, (1 - v) * u],
    [bottom * columns + left, v * (1 - u)],
    [bottom * columns + right, v * u],
  ].filter(([, share]) => share);
  let [product, one, other] = [0, 0, 0];
  for (let channel = 0, from = 0; channel < width; channel++, from += rows * columns) {
    let value = 0;
    for (const [at, share] of corners) value += after[from + at] * share;
    const old = before[from + cell];
    product += old * value;
    one += old * old;
    other += value * value;
  }
  return product / Math.sqrt(one * other);
}
