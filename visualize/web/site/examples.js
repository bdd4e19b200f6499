// The examples' results, which were computed when the site was made. A block's inside is two files: what is the picture's, and the
// weights, which all examples share.

import { facts } from "./facts.js";
import { bytes } from "./files.js";

const names = new Map(Object.entries(facts.examples).map(([name, { key }]) => [key, name]));

/** The example whose result has this key; undefined if it is another's. */
export const exampleOf = (key) => names.get(key);

export const data = (name, signal) => bytes(`examples/${name}.gz`, signal);

export const block = (name, stage, block, signal) => bytes(`examples/${name}.${stage}.${block}.gz`, signal);

export async function inside(name, stage, block, signal) {
  const parts = [`examples/${name}.inside.${stage}.${block}.gz`, `inside/${stage}.${block}.gz`];
  return new Blob(await Promise.all(parts.map((path) => bytes(path, signal)))).arrayBuffer();
}
