// Packs a header and arrays as visualize/container.py does; explorer/payload.js reads it.

const NAMES = { Uint8Array: "uint8", Uint16Array: "uint16", Float32Array: "float32" };
const filled = (length) => Math.ceil(length / 8) * 8;

/**
 * @param {object} header without the key `arrays`
 * @param {Object<string, [Uint8Array | Uint16Array | Float32Array, number[]]>} arrays each with its shape
 * @returns {ArrayBuffer}
 */
export function pack(header, arrays) {
  let offset = 0;
  const described = Object.entries(arrays).map(([name, [data, shape]]) => {
    const own = { name, dtype: NAMES[data.constructor.name], shape, offset };
    offset += filled(data.byteLength);
    return own;
  });
  const text = new TextEncoder().encode(JSON.stringify({ ...header, arrays: described }));
  const start = filled(4 + text.length);
  const content = new Uint8Array(start + offset);
  content.fill(32, 4, start);
  new DataView(content.buffer).setUint32(0, start - 4, true);
  content.set(text, 4);
  Object.values(arrays).forEach(([data], index) => {
    content.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), start + described[index].offset);
  });
  return content.buffer;
}
