// Pictures in a worker: decoded by the browser, upright and in sRGB, and encoded as JPEG to be shown.
//
// What the model sees is resized by pixels.js. From sRGB, turned by EXIF or not, it is what Pillow makes, to the bit, in Chromium. Colours
// with another profile are converted by the browser's own arithmetic: Display P3, ProPhoto RGB and Rec. 2020 then differ by at most one of
// 255 levels, Adobe RGB by two. Files of formats that the browser does not know are refused.

import { phrase } from "../words/phrase.js";

const MOST_MILLIONS = 64; // of pixels: 4 bytes each, once
const [CROP_SIDE, WHOLE_SIDE] = [768, 160];
const CROP_BYTES = 220 << 10;
const QUALITIES = [0.88, 0.75, 0.55]; // a noisy crop is compressed harder

/** @type {import("./engine.js").Codec} */
export const codec = { open, rolled };

/** @param {Blob | ImageBitmap | ImageData} picture @returns {Promise<import("./engine.js").Opened>} */
async function open(picture) {
  const bitmap = picture instanceof ImageBitmap ? picture : await decoded(picture);
  const { width, height } = bitmap;
  try {
    if (width * height > MOST_MILLIONS * 1e6) {
      throw new Error(phrase("too_many_pixels", { count: Math.round((width * height) / 1e6), most: MOST_MILLIONS }));
    }
    const { data } = drawn([width, height], (pen) => pen.drawImage(bitmap, 0, 0)).getImageData(0, 0, width, height);
    const transparent = overWhite(data);
    return {
      ...{ width, height, data, transparent },
      crop: (box, aspect) => cropped(bitmap, box, aspect),
      whole() {
        const scale = Math.min(1, WHOLE_SIDE / Math.max(width, height));
        return encoded(scaledTo(bitmap, [0, 0, width, height], [width * scale, height * scale]), [0.7]);
      },
      close: () => bitmap.close(),
    };
  } catch (error) {
    bitmap.close();
    throw error;
  }
}

async function decoded(picture) {
  try {
    return await createImageBitmap(picture);
  } catch {
    throw new Error(phrase("not_a_picture"));
  }
}

/** A pen on a new canvas after `draw`. @param {number[]} size @param {(pen: OffscreenCanvasRenderingContext2D) => void} draw */
function drawn([width, height], draw) {
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(width)), Math.max(1, Math.round(height)));
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  pen.imageSmoothingQuality = "high";
  draw(pen);
  return pen;
}

/** Lays pixels over white in place; whether any was transparent. */
function overWhite(data) {
  let found = false;
  for (let at = 3; at < data.length; at += 4) {
    const alpha = data[at];
    if (alpha === 255) continue;
    found = true;
    for (let channel = at - 3; channel < at; channel++) data[channel] = (data[channel] * alpha) / 255 + 255 - alpha;
    data[at] = 255;
  }
  return found;
}

/** A box of a picture at another size, over white. */
function scaledTo(bitmap, [left, top, right, bottom], size) {
  return drawn(size, (pen) => {
    const { width, height } = pen.canvas;
    pen.fillStyle = "white";
    pen.fillRect(0, 0, width, height);
    pen.drawImage(bitmap, left, top, right - left, bottom - top, 0, 0, width, height);
  });
}

/** The part that the model sees, in its aspect ratio, never enlarged. */
function cropped(bitmap, box, aspect) {
  let height = box[3] - box[1];
  height *= Math.min(1, CROP_SIDE / (height * Math.max(1, aspect)));
  return encoded(scaledTo(bitmap, box, [height * aspect, height]), QUALITIES);
}

async function encoded({ canvas }, qualities) {
  let blob = /** @type {?Blob} */ (null);
  for (const quality of qualities) {
    blob = await canvas.convertToBlob({ type: "image/jpeg", quality });
    if (/** @type {Blob} */ (blob).size <= CROP_BYTES) break;
  }
  canvas.width = canvas.height = 0; // or its memory is kept until it is collected
  return new Uint8Array(await /** @type {Blob} */ (blob).arrayBuffer());
}

/** A JPEG of an input of (height, width) pixels, moved around the edges, at a whole multiple of its size. */
async function rolled(jpeg, size, { down, right }) {
  const [height, width] = size;
  const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
  const times = Math.max(1, Math.floor(Math.min(bitmap.width, bitmap.height) / Math.max(height, width)));
  const [wide, high] = [width * times, height * times];
  const [x, y] = [((right * times) % wide) - wide, ((down * times) % high) - high];
  const pen = drawn([wide, high], (pen) => {
    for (const left of [x, x + wide, x + 2 * wide]) {
      for (const top of [y, y + high, y + 2 * high]) pen.drawImage(bitmap, left, top, wide, high);
    }
  });
  bitmap.close();
  return encoded(pen, QUALITIES);
}
