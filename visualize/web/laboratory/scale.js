// The layout of the drawing, in its own units. No DOM here.

import { cellAt, centre, clipped, gridBox } from "../shared/geometry.js";

/** The common scale of all drawings: the widest bar is `width` long, the deepest stage `height` tall. */
export function scaleOf(architectures, width, height) {
  const stages = architectures.flatMap((each) => each.stages);
  const widest = Math.max(1, ...stages.map((each) => Math.max(each.width, each.mlp)));
  const deepest = Math.max(1, ...stages.map((each) => each.depth));
  return { length: width / widest, block: Math.min(12, height / deepest), widest, deepest };
}

/**
 * A stage's blocks as bars, one below another: an attention bar as long as a token is wide, split into heads, and an MLP bar
 * as long as its hidden layer. [{ attention: [{ x, y, width, height }], mlp: { … } }].
 */
export function blocks({ depth, width, heads, mlp }, scale) {
  const height = scale.block * 0.4;
  const each = (width * scale.length) / heads;
  return Array.from({ length: depth }, (_, block) => {
    const y = block * scale.block;
    const gap = Math.min(1, each * 0.25);
    return {
      attention: Array.from({ length: heads }, (_, head) => ({ x: head * each, y, width: Math.max(0.3, each - gap), height })),
      mlp: { x: 0, y: y + height + scale.block * 0.06, width: Math.max(0.3, mlp * scale.length), height: height * 0.75 },
    };
  });
}

const inside = (value, pixels) => value > 0 && value < pixels;

/** A box in pixels, clipped to a picture with sides of `pixels`, in units in which the picture's side is `side`. */
function cut({ top, left, height, width }, pixels, side) {
  const unit = side / pixels;
  const part = clipped({ top, left, height, width }, [pixels, pixels]);
  return { x: part.left * unit, y: part.top * unit, width: part.width * unit, height: part.height * unit };
}

/** The lines between a grid's cells on the picture: { rows, columns }; none if they would be closer than `least`. */
export function lines(grid, pixels, side, least = 1.5) {
  const unit = side / pixels;
  const { top, left } = gridBox(grid);
  const between = (start, stride, count) =>
    stride * unit < least
      ? []
      : Array.from({ length: count - 1 }, (_, index) => start + (index + 1) * stride)
          .filter((at) => inside(at, pixels))
          .map((at) => at * unit);
  return { rows: between(top, grid.stride[0], grid.shape[0]), columns: between(left, grid.stride[1], grid.shape[1]) };
}

/** The keys as boxes around their centres, `share` of their stride wide; null if there are more than `most` per side. */
export function keyCells(grid, pixels, side, share = 0.6, most = 64) {
  const [rows, columns] = grid.shape;
  if (rows > most || columns > most) return null;
  const found = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      found.push(
        cut(
          around(
            centre(grid, { row, column }),
            grid.stride.map((each) => share * each),
          ),
          pixels,
          side,
        ),
      );
    }
  }
  return found;
}

/** The receptive field of the token in the middle: (height, width) pixels around its centre, clipped to the picture. */
export function fieldBox(grid, [height, width], pixels, side) {
  return cut(around(centre(grid, cellAt(grid, pixels / 2, pixels / 2)), [height, width]), pixels, side);
}

const around = ({ y, x }, [height, width]) => ({ top: y - height / 2, left: x - width / 2, height, width });

/** Lengths of two adjacent bars, as shares of the longest bar. */
export const pair = (before, now, most) => [before ?? 0, now ?? 0].map((each) => (most ? each / most : 0));
