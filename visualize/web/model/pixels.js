// What the processor does to a picture, in the browser: Pillow's bicubic resize, the central crop, and the model's numbers.
//
// Source of the resize: Pillow's Resample.c, whose arithmetic is in whole numbers: each pass weighs pixels by coefficients of 22 bits and
// rounds to 8 bits, first along the rows and then along the columns. Other filters than bicubic are not here.

const BITS = 22;
const HALF = 1 << (BITS - 1);
const SUPPORT = 2; // the bicubic filter's, in pixels of the smaller picture

/**
 * @typedef {{ data: Uint8Array | Uint8ClampedArray, width: number, height: number }} Rgba 4 bytes per pixel, row by row
 * @typedef {{ data: Uint8Array, width: number, height: number }} Rgb 3 bytes per pixel
 * @typedef {object} Processor of model.json
 * @property {boolean} resize
 * @property {number} side
 * @property {number} cropPct
 * @property {number} fullFrom the side from which on the whole picture is squeezed into a square
 * @property {?number} factor by which values are multiplied before they are normalised
 * @property {?{ mean: number[], std: number[] }} normalise
 */

/** Keys' cubic with a = −0.5, as in Pillow. */
function bicubic(x) {
  const t = Math.abs(x);
  if (t < 1) return (1.5 * t - 2.5) * t * t + 1;
  return t < 2 ? (((t - 5) * t + 8) * t - 4) * -0.5 : 0;
}

/** For each place along one axis of the result: the first pixel it reads, how many, and their weights in whole numbers. */
export function coefficients(before, after) {
  const scale = before / after;
  const stretch = Math.max(1, scale);
  const reach = SUPPORT * stretch;
  const room = Math.ceil(reach) * 2 + 1;
  const [starts, counts, weights] = [new Int32Array(after), new Int32Array(after), new Int32Array(after * room)];
  const own = new Float64Array(room);
  for (let place = 0; place < after; place++) {
    const centre = (place + 0.5) * scale;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const count = Math.min(before, Math.trunc(centre + reach + 0.5)) - start;
    let sum = 0;
    for (let index = 0; index < count; index++) sum += own[index] = bicubic((index + start - centre + 0.5) * (1 / stretch));
    for (let index = 0; index < count; index++) {
      const share = sum ? own[index] / sum : own[index];
      weights[place * room + index] = Math.trunc((share < 0 ? -0.5 : 0.5) + share * (1 << BITS));
    }
    [starts[place], counts[place]] = [start, count];
  }
  return { starts, counts, weights, room };
}

const clipped = (sum) => (sum < 0 ? 0 : sum >= 256 << BITS ? 255 : sum >> BITS);

/**
 * The part of a picture's resized version from column `left` and row `top` on, `columns` × `rows` of it, as Pillow makes it. The rest is
 * not computed.
 * @param {Rgba} picture without transparency @param {number[]} size width and height
 * @param {{ left?: number, top?: number, columns?: number, rows?: number }} [part]
 * @returns {Rgb}
 */
export function resized({ data, width, height }, size, part = {}) {
  const [newWidth, newHeight] = size;
  const { left = 0, top = 0, columns = newWidth, rows = newHeight } = part;
  const [across, down] = [coefficients(width, newWidth), coefficients(height, newHeight)];
  const first = newHeight === height ? top : down.starts[top];
  const last = newHeight === height ? top + rows : down.starts[top + rows - 1] + down.counts[top + rows - 1];
  const middle = new Uint8Array((last - first) * columns * 3);
  for (let y = first, at = 0; y < last; y++) {
    for (let column = 0; column < columns; column++, at += 3) {
      const place = column + left;
      if (newWidth === width) {
        const from = (y * width + place) * 4;
        for (let channel = 0; channel < 3; channel++) middle[at + channel] = data[from + channel];
        continue;
      }
      let [red, green, blue] = [HALF, HALF, HALF];
      let [from, weight] = [(y * width + across.starts[place]) * 4, place * across.room];
      for (const end = weight + across.counts[place]; weight < end; weight++, from += 4) {
        const each = across.weights[weight];
        red = (red + data[from] * each) | 0;
        green = (green + data[from + 1] * each) | 0;
        blue = (blue + data[from + 2] * each) | 0;
      }
      [middle[at], middle[at + 1], middle[at + 2]] = [clipped(red), clipped(green), clipped(blue)];
    }
  }
  if (newHeight === height) return { data: middle, width: columns, height: rows };
  const found = new Uint8Array(rows * columns * 3);
  const line = columns * 3;
  for (let row = 0; row < rows; row++) {
    const place = row + top;
    for (let x = 0; x < line; x++) {
      let sum = HALF;
      for (let index = 0, at = (down.starts[place] - first) * line + x; index < down.counts[place]; index++, at += line) {
        sum = (sum + middle[at] * down.weights[place * down.room + index]) | 0;
      }
      found[row * line + x] = clipped(sum);
    }
  }
  return { data: found, width: columns, height: rows };
}

/** The size to which a picture is resized, and the crop of it, as the processor finds them. `processor`: see above. */
export function framing({ width, height }, { side, cropPct, fullFrom }) {
  let [wide, high] = [side, side];
  if (side < fullFrom) {
    const edge = Math.trunc(side / cropPct);
    [wide, high] = width <= height ? [edge, Math.trunc((edge * height) / width)] : [Math.trunc((edge * width) / height), edge];
  }
  const [left, top] = [Math.floor((wide - side) / 2), Math.floor((high - side) / 2)];
  const [x, y] = [width / wide, height / high];
  return { size: [wide, high], left, top, box: [left * x, top * y, (left + side) * x, (top + side) * y] };
}

/**
 * What the model sees of a picture: RGB pixels, and their box on the picture: left, top, right, bottom.
 * @param {Rgba} picture @param {Processor} processor
 */
export function cut(picture, processor) {
  const { side } = processor;
  const { size, left, top, box } = framing(picture, processor);
  return { pixels: resized(picture, size, { left, top, columns: side, rows: side }), box };
}

/**
 * RGB pixels as the model's input, channel after channel, rounded to float32 where NumPy rounds.
 * @param {Uint8Array} pixels @param {Processor} processor
 */
export function normalised(pixels, { factor, normalise }) {
  const count = pixels.length / 3;
  const values = new Float32Array(pixels.length);
  for (let channel = 0; channel < 3; channel++) {
    const table = Float32Array.from({ length: 256 }, (_, level) => {
      const value = Math.fround(factor === null ? level : level * factor);
      if (!normalise) return value;
      return Math.fround(value - Math.fround(normalise.mean[channel])) / Math.fround(normalise.std[channel]);
    });
    for (let at = 0; at < count; at++) values[channel * count + at] = table[pixels[at * 3 + channel]];
  }
  return values;
}
