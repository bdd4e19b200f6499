// Reads the format of visualize/container.py: a header in JSON, then raw arrays, used in place without copying.

import { phrase } from "../words/phrase.js";

const VIEWS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };

/**
 * @typedef {(Uint8Array | Uint16Array | Float32Array) & { shape: number[] }} Shaped an array with its sides
 * @typedef {Record<string, any>} Arrays a payload's arrays by name, each `Shaped`; some may be absent
 */

/** ArrayBuffer → { header, arrays }, where arrays[name] is a typed array with a `shape`. Throws on anything else. */
export function parse(buffer) {
  if (buffer.byteLength < 4) throw new Error(phrase("cut_off"));
  const length = new DataView(buffer).getUint32(0, true);
  const start = 4 + length;
  if (start > buffer.byteLength) throw new Error(phrase("cut_off"));
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const { name, dtype, shape, offset } of header.arrays) {
    const View = VIEWS[dtype];
    if (!View) throw new Error(phrase("unknown_array", { dtype }));
    const count = shape.reduce((product, side) => product * side, 1);
    const view = new View(buffer, start + offset, count);
    view.shape = shape;
    arrays[name] = view;
  }
  return { header, arrays };
}

/** One block's attention, or null if the payload lacks it. */
export function blockOf(arrays, stage, block) {
  const own = (name) => arrays[`${stage}.${block}/${name}`];
  const weights = own("weights");
  if (weights) {
    const [heads, queries, keys] = weights.shape;
    return { heads, queries, keys, weights, peak: own("peak") };
  }
  const query = own("query");
  if (!query) return null;
  const key = own("key");
  const [heads, queries, dim] = query.shape;
  return { heads, queries, keys: key.shape[1], dim, query, key, norm: own("norm"), peak: own("peak"), mean: own("mean") };
}
