// One result of the server: the payload, opened, with its pictures ready to be drawn.

import { packRgb } from "../shared/draw.js";
import { Features } from "./features.js";
import { blockOf, parse } from "./payload.js";
import { NOTICE } from "./words.js";

/** The server no longer keeps this result. */
export class Gone extends Error {
  constructor() {
    super(NOTICE.gone);
  }
}

/** What a source answered, where it answered. */
export function held(buffer) {
  if (!buffer) throw new Gone();
  return buffer;
}

/** Opens the result of a key. `source`: see mount.js. Throws Gone, or an Error with a sentence. */
export async function openResult(source, key, signal) {
  const { header, arrays } = parse(held(await source.result(key, signal)));
  const result = new Result(header, arrays, { source, key });
  await result.decode();
  return result;
}

export class Result {
  constructor(header, arrays, { source = null, key = null } = {}) {
    Object.assign(this, { header, arrays, source, key });
    this.stages = header.stages;
    this.input = header.input; // [height, width]
    this.box = header.crop_box; // left, top, right, bottom of the input on the original, in its pixels
    this.aspect = header.input[1] / header.input[0];
    // Of two results with equal structure the second can be drawn into the elements of the first.
    this.structure = JSON.stringify([this.input, header.classes, this.stages.map((stage) => ({ ...stage, explained: null }))]);
    this.opened = new Map();
    this.underlays = new Map();
    this.asked = new Set();
    this.failed = new Set();
  }

  /** Decodes the crop and the pixels; drawing needs both. */
  async decode() {
    const crop = createImageBitmap(new Blob([this.arrays.crop], { type: "image/jpeg" }));
    const [height, width] = this.input;
    const image = new ImageData(width, height);
    const { pixels } = this.arrays;
    packRgb(new Uint32Array(image.data.buffer), pixels, 1);
    [this.crop, this.given] = await Promise.all([crop, createImageBitmap(image)]);
  }

  features(stage) {
    const id = `features ${stage}`;
    if (!this.opened.has(id)) this.opened.set(id, new Features(this.arrays, stage));
    return this.opened.get(id);
  }

  /** A block's attention, or null where it has not travelled (yet). */
  block(stage, block) {
    const id = `${stage}.${block}`;
    if (!this.opened.has(id)) {
      const found = blockOf(this.arrays, stage, block);
      if (!found) return null;
      this.opened.set(id, found);
    }
    return this.opened.get(id);
  }

  /** Fetches a block that did not travel with the rest; resolves to true if it is new. One that failed stays failed. */
  async ask(stage, block) {
    const id = `${stage}.${block}`;
    if (this.block(stage, block) || this.asked.has(id) || this.failed.has(id)) return false;
    this.asked.add(id);
    try {
      Object.assign(this.arrays, parse(held(await this.source.block(this.key, stage, block))).arrays);
    } catch (error) {
      this.asked.delete(id);
      this.failed.add(id);
      throw error;
    }
    return true;
  }

  /** Frees the pictures; nothing can be drawn after that. */
  close() {
    this.crop?.close();
    this.given?.close();
  }

  /** The picture as a canvas of exactly this size: scaled once, then copied. `pixels`: as the model was given it. */
  underlay(width, height, pixels = false) {
    const id = `${width} ${height} ${pixels}`;
    if (!this.underlays.has(id)) {
      if (this.underlays.size > 24) this.underlays.clear();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [width, height];
      this.drawPicture(canvas, { top: 0, left: 0, height: this.input[0], width: this.input[1] }, pixels);
      this.underlays.set(id, canvas);
    }
    return this.underlays.get(id);
  }

  /** Draws the part of the picture inside a window (in input pixels) over the whole canvas. */
  drawPicture(canvas, { top, left, height, width }, pixels = false) {
    const source = pixels ? this.given : this.crop;
    const [y, x] = [source.height / this.input[0], source.width / this.input[1]];
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = !pixels;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, left * x, top * y, width * x, height * y, 0, 0, canvas.width, canvas.height);
  }
}
