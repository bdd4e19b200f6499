// The inside of a block for the microscope, as visualize/maps/inside.py packs it: what its projections read, and their weights.

import { pack } from "./container.js";

const PROJECTIONS = ["query", "key", "value"];

/**
 * @param {Record<string, Float32Array>} found the model's outputs of these names @param {any} facts model.json
 * @param {Record<string, any>} constants arrays by name @param {(name: string) => Float32Array} linear a projection's weights (out, in)
 */
export function insidePayload(found, facts, constants, linear, stage, block) {
  const { width, cls, query, inside } = facts.stages[stage];
  const [rows, columns] = query.shape;
  const tokens = found[`stages.${stage}.layers.${block}.normalised`];
  const spatial = new Float32Array(width * rows * columns);
  for (let place = 0; place < rows * columns; place++) {
    for (let channel = 0; channel < width; channel++) {
      spatial[channel * rows * columns + place] = tokens[(place + Number(cls)) * width + channel];
    }
  }
  const norms = facts.stages.map((each, index) => ofStage(found, each, index));
  /** @type {Object<string, [any, number[]]>} */
  const arrays = { tokens: [spatial, [width, rows, columns]], lengths: [norms[stage].lengths[block], [3, rows, columns]] };
  if (cls) arrays.cls = [tokens.slice(0, width), [width]];
  for (const name of PROJECTIONS) {
    arrays[`${name}/linear`] = [linear(`${stage}.${block}/${name}`), [width, width]];
    for (const part of ["bias", "kernel", "scale", "shift"]) {
      const own = constants[`${stage}.${block}/${name}/${part}`];
      if (own) arrays[`${name}/${part}`] = [own, own.shape];
    }
  }
  norms.forEach(({ means }, index) => (arrays[`norms/${index}`] = [means, [means.length / 3, 3]]));
  return pack(inside, arrays);
}

/** The outputs of the model that this needs. */
export function namesFor(stages, stage, block) {
  const of = (index, number, what) => `stages.${index}.layers.${number}.${what}`;
  const all = stages.flatMap(({ depth }, index) => [
    ...(depth ? [of(index, 0, "input")] : []),
    ...Array.from({ length: depth }, (_, number) => ["attention", "mlp", "output"].map((what) => of(index, number, what))).flat(),
  ]);
  return [of(stage, block, "normalised"), ...all];
}

/** For each block the norms (3, tokens) of its input and of what attention and MLP add to each token, and their means (blocks, 3). */
function ofStage(found, { width, cls, depth }, stage) {
  const means = new Float32Array(depth * 3);
  const lengths = Array.from({ length: depth }, (_, block) => {
    const before = block ? `${block - 1}.output` : "0.input";
    const parts = [before, `${block}.attention`, `${block}.mlp`].map((name) => found[`stages.${stage}.layers.${name}`]);
    const count = parts[0].length / width - Number(cls);
    const own = new Float32Array(3 * count);
    parts.forEach((values, part) => {
      let sum = 0;
      for (let token = 0; token < count; token++) {
        let squares = 0;
        for (let at = (token + Number(cls)) * width, end = at + width; at < end; at++) squares += values[at] * values[at];
        sum += own[part * count + token] = Math.sqrt(squares);
      }
      means[block * 3 + part] = sum / count;
    });
    return own;
  });
  return { lengths, means };
}

/** Numbers of 16 bits, as IEEE 754 has them, in float32; transposed from (rows, columns). */
export function unpacked({ data, shape: [rows, columns], half }) {
  const values = half ? Float32Array.from(new Uint16Array(data), wide) : new Float32Array(data);
  const found = new Float32Array(values.length);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) found[column * rows + row] = values[row * columns + column];
  return found;
}

function wide(bits) {
  const [sign, exponent, fraction] = [bits & 0x8000 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}
