// Positions of cells on the input, as in cvt/architecture/geometry.py: pixel j spans j … j + 1; pairs are (vertical, horizontal).

/**
 * @typedef {{ shape: [number, number], first: [number, number], stride: [number, number], field: [number, number] }} Grid
 * @typedef {{ row: number, column: number, index?: number }} Cell counted from 0
 * @typedef {{ top: number, left: number, height: number, width: number }} Box in pixels of the input
 */

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

/** The cell whose centre is nearest to a point: { row, column, index }. */
export function cellAt(grid, y, x) {
  const row = clamp(Math.round((y - grid.first[0]) / grid.stride[0]), 0, grid.shape[0] - 1);
  const column = clamp(Math.round((x - grid.first[1]) / grid.stride[1]), 0, grid.shape[1] - 1);
  return { row, column, index: row * grid.shape[1] + column };
}

/** The cell of a row-major index. */
export function cellOf(grid, index) {
  const row = Math.floor(index / grid.shape[1]);
  return { row, column: index - row * grid.shape[1], index };
}

/** { y, x } of a cell's centre. */
export function centre(grid, { row, column }) {
  return { y: grid.first[0] + row * grid.stride[0], x: grid.first[1] + column * grid.stride[1] };
}

function box(grid, cell, size) {
  const { y, x } = centre(grid, cell);
  return { top: y - size[0] / 2, left: x - size[1] / 2, height: size[0], width: size[1] };
}

/** The cell as drawn: one stride wide, around its centre; may extend beyond the picture. */
export const cellBox = (grid, cell) => box(grid, cell, grid.stride);

/** The pixels that reach the cell through convolutions; may extend beyond the picture. */
export const fieldBox = (grid, cell) => box(grid, cell, grid.field);

/** The whole grid as drawn. */
export function gridBox(grid) {
  return {
    top: grid.first[0] - grid.stride[0] / 2,
    left: grid.first[1] - grid.stride[1] / 2,
    height: grid.shape[0] * grid.stride[0],
    width: grid.shape[1] * grid.stride[1],
  };
}

/** Whether a grid as drawn reaches all edges of an input of [height, width]. */
export function covers(grid, [rows, columns]) {
  const { top, left, height, width } = gridBox(grid);
  return top <= 0 && left <= 0 && top + height >= rows && left + width >= columns;
}

/** The part of a box inside an input of [height, width]. */
export function clipped({ top, left, height, width }, [rows, columns]) {
  const bottom = Math.min(rows, top + height);
  const right = Math.min(columns, left + width);
  const [y, x] = [Math.max(0, top), Math.max(0, left)];
  return { top: y, left: x, height: Math.max(0, bottom - y), width: Math.max(0, right - x) };
}

/**
 * The tokens of every earlier stage from which the overlapping conv embeddings make a token, last stage first:
 * [{ stage, top, left, bottom, right }], inclusive, clipped to the grid.
 */
export function ancestors(stages, stage, { row, column }) {
  let window = { top: row, left: column, bottom: row, right: column };
  const found = [];
  for (let each = stage; each > 0; each--) {
    const { kernel, stride, padding } = stages[each].embedding;
    const [rows, columns] = stages[each - 1].query.shape;
    window = {
      stage: each - 1,
      top: clamp(window.top * stride[0] - padding[0], 0, rows - 1),
      left: clamp(window.left * stride[1] - padding[1], 0, columns - 1),
      bottom: clamp(window.bottom * stride[0] - padding[0] + kernel[0] - 1, 0, rows - 1),
      right: clamp(window.right * stride[1] - padding[1] + kernel[1] - 1, 0, columns - 1),
    };
    found.push(window);
  }
  return found;
}
