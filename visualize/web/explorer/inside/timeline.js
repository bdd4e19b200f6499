// The microscope's steps in their order. A frame is { scene, name }, and where it points at one number, that part; no DOM here.

/** @typedef {{ scene: string, name: string, part?: string, column?: number, index?: number }} Frame */

export const SCENES = ["window", "norm", "linear", "score", "softmax"];
const SLIDES = 2; // places before the chosen one from which the window slides
const SINGLY = 9; // a window of more cells is gone through row by row

/** The columns of the projection's grid that the window slides over, the chosen one last. */
export function slides({ cell }) {
  const start = Math.max(0, cell.column - SLIDES);
  return Array.from({ length: cell.column - start + 1 }, (_, index) => start + index);
}

function windowFrames(found) {
  const { side } = found.settings;
  const last = slides(found).length - 1;
  const each = side * side <= SINGLY ? side * side : side;
  return [
    ...slides(found).map((column, index) => ({ name: `slide${last - index}`, column })),
    ...Array.from({ length: each }, (_, index) =>
      each === side * side
        ? { name: `term${index}`, part: `w${index}`, index }
        : { name: `row${index}`, part: `r${index}`, index: (index + 1) * side - 1 },
    ),
    { name: "sum", part: "z" },
  ];
}

const FRAMES = {
  window: windowFrames,
  norm: () => [
    { name: "read", part: "z" },
    { name: "scale", part: "a" },
    { name: "shift", part: "y" },
  ],
  linear: ({ terms }) => [
    ...terms.largest.map((_, index) => ({ name: `term${index}`, part: `c${index}`, index })),
    ...(terms.others ? [{ name: "others", part: "rest" }] : []),
    { name: "bias", part: "bias" },
    { name: "sum", part: "out" },
  ],
  score: () => [{ name: "vectors" }, { name: "products" }, { name: "sum", part: "dot" }, { name: "scale", part: "s" }],
  softmax: () => [
    { name: "power", part: "power" },
    { name: "total", part: "total" },
    { name: "weight", part: "weight" },
  ],
};

/** The scenes that this projection has: without a convolution there is no window, and only a convolution has BatchNorm. */
export function scenesOf({ kind }) {
  return SCENES.filter((scene) => (scene === "window" ? kind !== "none" : scene !== "norm" || kind === "convolution"));
}

/**
 * All frames.
 * @param {import("./view.js").Look} found
 * @returns {Frame[]}
 */
export const framesOf = (found) => scenesOf(found).flatMap((scene) => FRAMES[scene](found).map((frame) => ({ scene, ...frame })));

/** The index of a frame: of the same name, or else the last of its scene, or of the first scene that there is. */
export function indexOf(frames, { scene, name }) {
  const same = frames.findIndex((each) => each.scene === scene && each.name === name);
  if (same >= 0) return same;
  const there = frames.some((each) => each.scene === scene) ? scene : frames[0].scene;
  return frames.findLastIndex((each) => each.scene === there);
}

/** Whether a frame of the scene of `frame` is reached by it. */
export function reached(frames, frame, name) {
  const at = frames.findIndex((each) => each.scene === frame.scene && each.name === name);
  return at >= 0 && at <= indexOf(frames, frame);
}
