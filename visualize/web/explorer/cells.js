// Boxes on the input for the cells of grids: the windows of conv embeddings, the cells around a place. No DOM here.

import { cellBox, cellOf, centre, clipped } from "../shared/geometry.js";

const CELLS = 1024; // outlined at most

/** The number of a grid's cells. */
export const count = ({ shape }) => shape[0] * shape[1];

/** The cells of a grid that have their centre in a box. */
export function within(grid, box) {
  const cells = Array.from({ length: count(grid) }, (_, index) => cellOf(grid, index));
  const inside = ({ y, x }) => y >= box.top && y <= box.top + box.height && x >= box.left && x <= box.left + box.width;
  return cells.filter((cell) => inside(centre(grid, cell))).map((cell) => cellBox(grid, cell));
}

/** The cells of a window of a grid, as drawn. */
export function cellsOf(grid, { top, left, bottom, right }) {
  const cells = [];
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) cells.push(cellBox(grid, { row, column }));
  }
  return cells;
}

/** Boxes to outline thinly; none if they are so many that they would hide what they lie on. */
export const thin = (boxes) => (boxes.length > CELLS ? [] : boxes.map((box) => ({ box, thin: true })));

/** The smallest box around some. */
export function enclosing(boxes) {
  const [top, left] = [Math.min(...boxes.map((each) => each.top)), Math.min(...boxes.map((each) => each.left))];
  const bottom = Math.max(...boxes.map((each) => each.top + each.height));
  const right = Math.max(...boxes.map((each) => each.left + each.width));
  return { top, left, height: bottom - top, width: right - left };
}

/** A box with a margin of some cells of a grid, within the input. */
export function margin({ top, left, height, width }, { stride: [y, x] }, input, cells = 1) {
  return clipped({ top: top - cells * y, left: left - cells * x, height: height + 2 * cells * y, width: width + 2 * cells * x }, input);
}

/** The grid that a conv embedding reads: pixels, or the tokens of the stage before. */
export const below = (result, stage) =>
  stage ? result.stages[stage - 1].query : { shape: result.input, first: [0.5, 0.5], stride: [1, 1], field: [1, 1] };

/** Where the window of a conv embedding lies for a cell; may extend beyond the input, into the padding. */
export function embeddingWindow(result, stage, { row, column }) {
  const grid = below(result, stage);
  const { kernel, stride, padding } = result.stages[stage].embedding;
  const first = { row: row * stride[0] - padding[0], column: column * stride[1] - padding[1] };
  const last = { row: first.row + kernel[0] - 1, column: first.column + kernel[1] - 1 };
  return enclosing([cellBox(grid, first), cellBox(grid, last)]);
}

/** A cell and its neighbour to the right, or to the left at the edge. */
export function neighbours({ row, column }, [, columns]) {
  const start = Math.max(0, Math.min(column, columns - 2));
  return [start, start + 1].filter((each) => each < columns).map((each) => ({ row, column: each }));
}

/** Thin outlines of the cells below a conv embedding that a window shows, also beyond the input, where there is padding. */
export function gridOf(result, stage, { top, left, height, width }) {
  const grid = below(result, stage);
  const first = [(top - grid.first[0]) / grid.stride[0], (left - grid.first[1]) / grid.stride[1]].map(Math.ceil);
  const last = [(top + height - grid.first[0]) / grid.stride[0], (left + width - grid.first[1]) / grid.stride[1]].map(Math.floor);
  return thin(cellsOf(grid, { top: first[0], left: first[1], bottom: last[0], right: last[1] }));
}
