// The settings of the experiment on position, and what they may be for a model's input. No DOM here.

/** @typedef {ReturnType<typeof initial>} Settings as the server's question "transform" takes them */

/** Nothing changed, for an input of [height, width] pixels. */
export const initial = ([height, width]) => ({
  ...{ right: 0, down: 0, turn: 0, flip: "none", patch: 0, seed: 0, height, width, padding: "zeros" },
});

/** Whether anything is changed: the seed matters only to a shuffle. */
export function isChanged(settings, input) {
  const start = initial(input);
  return Object.keys(start).some((name) => name !== "seed" && settings[name] !== start[name]);
}

const divisor = (one, two) => (two ? divisor(two, one % two) : one);
const multiple = (one, two) => (one / divisor(one, two)) * two;

/**
 * The smallest shift, in pixels along both axes, that moves all grids of a result by whole tokens and keys; null if a grid does not
 * close on itself. As `aligned_steps` in visualize/change/positions.py.
 * @param {{ stages: import("../../explorer/result.js").Stage[], input: [number, number] }} result
 */
export function alignedStep({ stages, input }) {
  const grids = stages.flatMap(({ query, key }) => [query, key]);
  if (!grids.every(({ shape, stride }) => [0, 1].every((axis) => shape[axis] * stride[axis] === input[axis]))) return null;
  return grids.flatMap(({ stride }) => stride).reduce(multiple, 1);
}

const MOST_PATCHES = 4; // choices

/** Sides of patches, largest first, into which an input can be cut and by which the last stage's tokens move as a whole. */
export function patchesOf({ height, width }, stride) {
  const side = divisor(height, width);
  const found = Array.from({ length: side }, (_, index) => side - index).filter((each) => side % each === 0 && each % stride === 0);
  const parted = height === side && width === side ? found.filter((each) => each < side) : found; // one patch has one order
  return parted.slice(0, MOST_PATCHES);
}

const SIZES = [0.5, 2 / 3, 1, 4 / 3, 2]; // of the input's own side
const LEAST = 16; // pixels of a side; the server's

/** Resolutions to choose from, as sides in pixels: multiples of a step, so that grids close. */
export function sizesOf([height, width], step) {
  const side = Math.max(height, width);
  const near = (share) => (share === 1 ? side : Math.round((share * side) / step) * step);
  return [...new Set(SIZES.map(near))].filter((each) => each >= LEAST && each <= 2 * side);
}

/** The input of `side` pixels in one of three shapes: "own", "narrow" (half as wide) or "low" (half as tall). */
export const shaped = (side, shape) => ({
  height: shape === "low" ? Math.round(side / 2) : side,
  width: shape === "narrow" ? Math.round(side / 2) : side,
});

/** The shape that `shaped` made. */
export const shapeOf = ({ height, width }) => (height < width ? "low" : width < height ? "narrow" : "own");

/** Settings after a change; a size that cannot be cut into the chosen patches is not shuffled. */
export function changed(settings, changes) {
  const next = { ...settings, ...changes };
  return next.patch && (next.height % next.patch || next.width % next.patch) ? { ...next, patch: 0 } : next;
}
