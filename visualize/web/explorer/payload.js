// The container that visualize/container.py describes: a header in JSON, then raw arrays, viewed in place without copying.

const VIEWS = { uint8: Uint8Array, uint16: Uint16Array, float32: Float32Array };

/** ArrayBuffer → { header, arrays }, where arrays[name] is a typed array with a `shape`. Throws on anything else. */
export function parse(buffer) {
  if (buffer.byteLength < 4) throw new Error("The answer of the server is cut off.");
  const length = new DataView(buffer).getUint32(0, true);
  const start = 4 + length;
  if (start > buffer.byteLength) throw new Error("The answer of the server is cut off.");
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const arrays = {};
  for (const { name, dtype, shape, offset } of header.arrays) {
    const View = VIEWS[dtype];
    if (!View) throw new Error(`The answer of the server holds an array of unknown kind, ${dtype}.`);
    const count = shape.reduce((product, side) => product * side, 1);
    const view = new View(buffer, start + offset, count);
    view.shape = shape;
    arrays[name] = view;
  }
  return { header, arrays };
}

/** What is known of one block's attention, or null where it did not travel. */
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
