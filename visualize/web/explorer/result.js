// One result of the server: the parsed payload, with its pictures decoded.

import { packRgb, penOf } from "../shared/draw.js";
import { Features } from "./features.js";
import { blockOf, parse } from "./payload.js";
import { phrase } from "../words/phrase.js";

/**
 * @typedef {import("../shared/geometry.js").Grid} Grid
 * @typedef {object} Stage of a result, from the payload's header
 * @property {number} depth
 * @property {number} heads
 * @property {number} width channels per token
 * @property {boolean} cls whether it has a cls token, which comes first
 * @property {Grid} query
 * @property {Grid} key
 * @property {number[]} explained shares of the variance
 * @property {{ kernel: [number, number], stride: [number, number], padding: [number, number] }} embedding
 * @property {{ method: string, kernel: number }} [projection] of queries; files of earlier versions do not have it
 */

/** The server no longer keeps this result. */
export class Gone extends Error {
  constructor() {
    super(phrase("gone"));
  }
}

/** A source's answer; throws Gone if there is none. */
export function held(buffer) {
  if (!buffer) throw new Gone();
  return buffer;
}

/** Opens the result with this key. `source`: see mount.js. Throws Gone, or an Error with a message. */
export async function openResult(source, key, signal) {
  const { header, arrays } = parse(held(await source.result(key, signal)));
  const result = new Result(header, arrays, { source, key });
  await result.decode();
  return result;
}

export class Result {
  /**
   * @param {any} header
   * @param {import("./payload.js").Arrays} arrays
   * @param {{ source?: import("./mount.js").Source | null, key?: string }} [origin] where missing blocks are fetched
   */
  constructor(header, arrays, { source = null, key = "" } = {}) {
    this.header = header;
    this.arrays = arrays;
    this.source = source;
    this.key = key;
    /** @type {Stage[]} */
    this.stages = header.stages;
    /** @type {[number, number]} */
    this.input = header.input; // [height, width]
    this.box = header.crop_box; // left, top, right, bottom of the input on the original, in its pixels
    /** @type {[number, number]} */
    this.original = header.original; // [width, height]
    this.last = this.stages[this.stages.length - 1]; // the classifier's input
    this.aspect = header.input[1] / header.input[0];
    // A result can be drawn into the elements of one with equal structure.
    this.structure = JSON.stringify([this.input, header.classes, this.stages.map((stage) => ({ ...stage, explained: null }))]);
    this.opened = new Map();
    /** @type {Map<string, HTMLCanvasElement>} */
    this.underlays = new Map();
    /** @type {Map<number, import("./views.js").Region | null>} */
    this.regions = new Map();
    /** @type {Map<string, import("./inside/inside.js").Inside | Error | null>} */
    this.insides = new Map();
    this.asked = new Set();
    this.failed = new Set();
    /** @type {ImageBitmap | undefined} */
    this.crop = undefined;
    /** @type {ImageBitmap | undefined} */
    this.given = undefined;
    /** @type {ImageBitmap | null} */
    this.whole = null;
  }

  /** Decodes the crop and the pixels, which drawing needs, and the whole picture if the model sees only a part. */
  async decode() {
    const jpeg = (content) => createImageBitmap(new Blob([content], { type: "image/jpeg" }));
    const [height, width] = this.input;
    const image = new ImageData(width, height);
    const { pixels } = this.arrays;
    packRgb(new Uint32Array(image.data.buffer), pixels, 1);
    const { crop, whole } = this.arrays;
    [this.crop, this.given, this.whole] = await Promise.all([jpeg(crop), createImageBitmap(image), whole ? jpeg(whole) : null]);
  }

  features(stage) {
    const id = `features ${stage}`;
    if (!this.opened.has(id)) this.opened.set(id, new Features(this.arrays, stage));
    return this.opened.get(id);
  }

  /** A block's attention, or null if it is not loaded. */
  block(stage, block) {
    const id = `${stage}.${block}`;
    if (!this.opened.has(id)) {
      const found = blockOf(this.arrays, stage, block);
      if (!found) return null;
      this.opened.set(id, found);
    }
    return this.opened.get(id);
  }

  /** Fetches a block that the payload lacks; resolves to true if it is new. A failure is final. */
  async ask(stage, block) {
    const id = `${stage}.${block}`;
    if (this.block(stage, block) || this.asked.has(id) || this.failed.has(id)) return false;
    this.asked.add(id);
    try {
      const found = this.source && (await this.source.block(this.key, stage, block));
      Object.assign(this.arrays, parse(held(found)).arrays);
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
    this.whole?.close();
  }

  /** The picture as a canvas of exactly this size: scaled once, then copied. `pixels`: at the model's input resolution. */
  underlay(width, height, pixels = false) {
    const id = `${width} ${height} ${pixels}`;
    if (!this.underlays.has(id)) {
      if (this.underlays.size > 24) this.underlays.clear();
      const canvas = document.createElement("canvas");
      [canvas.width, canvas.height] = [width, height];
      this.drawPicture(canvas, { top: 0, left: 0, height: this.input[0], width: this.input[1] }, pixels);
      this.underlays.set(id, canvas);
    }
    return /** @type {HTMLCanvasElement} */ (this.underlays.get(id));
  }

  /** Draws the part of the picture inside a window (in input pixels) over the whole canvas. */
  drawPicture(canvas, { top, left, height, width }, pixels = false) {
    const source = /** @type {ImageBitmap} */ (pixels ? this.given : this.crop);
    const [y, x] = [source.height / this.input[0], source.width / this.input[1]];
    const context = penOf(canvas);
    context.imageSmoothingEnabled = !pixels;
    context.imageSmoothingQuality = "high";
    context.drawImage(source, left * x, top * y, width * x, height * y, 0, 0, canvas.width, canvas.height);
  }
}
