// Colour maps as tables of 256 packed RGBA values (little-endian, as ImageData wants them).
// Anchors: viridis and cividis (CVD-safe) of Matplotlib, CC0; RdBu of ColorBrewer 2.0, Cynthia Brewer, Apache-2.0.

const ANCHORS = {
  viridis: "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c 1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725",
  cividis: "00224e 002e6a 1a386f 32436d 434e6c 535a6d 61656f 6f7073 7d7c78 8c8878 9b9476 aba072 bcae6c cdbb63 dec958 f0d846 fee838",
  grey: "000000 ffffff",
  diverging: "053061 2166ac 4393c3 92c5de d1e5f0 f7f7f7 fddbc7 f4a582 d6604d b2182b 67001f",
};

const tables = new Map();

/**
 * 256 packed colours. With `opacity` below 1 a picture below shows through, more at low values than at high ones, which have
 * this opacity; in the diverging map, low means near the middle.
 */
export function table(name, opacity = 1) {
  const id = `${name} ${opacity}`;
  if (!tables.has(id)) {
    if (tables.size > 64) tables.clear();
    tables.set(id, make(name, opacity));
  }
  return tables.get(id);
}

function make(name, opacity) {
  const anchors = ANCHORS[name].split(" ").map((hex) => [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  const packed = new Uint32Array(256);
  const floor = opacity ** 4; // at full opacity nothing shows through
  for (let index = 0; index < 256; index++) {
    const place = (index / 255) * (anchors.length - 1);
    const below = Math.min(anchors.length - 2, Math.floor(place));
    const [r, g, b] = [0, 1, 2].map((c) => Math.round(anchors[below][c] + (place - below) * (anchors[below + 1][c] - anchors[below][c])));
    const strength = name === "diverging" ? Math.abs(index / 127.5 - 1) : index / 255;
    const alpha = Math.round(255 * opacity * (floor + (1 - floor) * strength));
    packed[index] = ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }
  return packed;
}

/** A table as a CSS gradient, for a map's colour bar. */
export function cssBar(name, opacity = 1) {
  const packed = table(name, opacity);
  const stops = [];
  for (let index = 0; index <= 16; index++) {
    const value = packed[Math.round((index / 16) * 255)];
    stops.push(`rgba(${value & 255},${(value >> 8) & 255},${(value >> 16) & 255},${((value >>> 24) / 255).toFixed(3)})`);
  }
  return `linear-gradient(90deg,${stops.join(",")})`;
}
