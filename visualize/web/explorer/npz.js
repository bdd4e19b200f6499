// NumPy's archive: a zip without compression, each member an array with NumPy's own header.

const CRC = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(parts) {
  let value = 0xffffffff;
  for (const bytes of parts) for (let at = 0; at < bytes.length; at++) value = CRC[(value ^ bytes[at]) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

const KINDS = { Uint8Array: "|u1", Uint16Array: "<u2", Float32Array: "<f4" };

/** An array's header in NumPy's format 1.0; the array's bytes follow it. */
function npyHeader(array, shape) {
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(", ")})`;
  const kind = array.letters ? `<U${array.letters}` : KINDS[array.constructor.name];
  const words = `{'descr': '${kind}', 'fortran_order': False, 'shape': ${tuple}, }`;
  const length = Math.ceil((10 + words.length + 1) / 64) * 64 - 10; // the array starts at a multiple of 64
  const head = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8);
  return [head, new TextEncoder().encode(`${words.padEnd(length - 1)}\n`)];
}

/** Texts as an array of NumPy's text type: each as many letters, of four bytes, as the longest has. */
export function textArray(texts) {
  const letters = Math.max(1, ...texts.map((each) => Array.from(each).length));
  const found = new Uint32Array(letters * texts.length);
  texts.forEach((text, row) => Array.from(text).forEach((letter, at) => (found[row * letters + at] = Number(letter.codePointAt(0)))));
  return Object.assign(found, { letters });
}

function record(size, write) {
  const bytes = new Uint8Array(size);
  write(new DataView(bytes.buffer));
  return bytes;
}

/** The fields that a member's own header and its entry in the directory share, from `at` on. */
function fields(view, at, member) {
  view.setUint16(at, 20, true); // version needed
  view.setUint16(at + 2, 0x800, true); // names are UTF-8
  view.setUint32(at + 6, 0x00210000, true); // 1 January 1980: the same data give the same file
  view.setUint32(at + 10, member.crc, true);
  view.setUint32(at + 14, member.size, true);
  view.setUint32(at + 18, member.size, true);
  view.setUint16(at + 22, member.name.length, true);
}

/** Parts of an .npz file, for a Blob. `arrays`: [[name, typed array or `textArray`, shape]]; a shape of [] is a single value. */
export function npz(arrays) {
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [name, array, shape] of arrays) {
    const body = [...npyHeader(array, shape), new Uint8Array(array.buffer, array.byteOffset, array.byteLength)];
    const size = body.reduce((sum, bytes) => sum + bytes.length, 0);
    const member = { name: new TextEncoder().encode(`${name}.npy`), size, crc: crc32(body) };
    const head = record(30, (view) => {
      view.setUint32(0, 0x04034b50, true);
      fields(view, 4, member);
    });
    parts.push(head, member.name, ...body);
    const entry = record(46, (view) => {
      view.setUint32(0, 0x02014b50, true);
      view.setUint16(4, 20, true);
      fields(view, 6, member);
      view.setUint32(42, offset, true);
    });
    directory.push(entry, member.name);
    offset += 30 + member.name.length + size;
  }
  const long = directory.reduce((sum, bytes) => sum + bytes.length, 0);
  const end = record(22, (view) => {
    view.setUint32(0, 0x06054b50, true);
    view.setUint16(8, arrays.length, true);
    view.setUint16(10, arrays.length, true);
    view.setUint32(12, long, true);
    view.setUint32(16, offset, true);
  });
  return [...parts, ...directory, end];
}
