// Fetches the files of the model and checks them.

import { unpacked } from "../shared/unpacked.js";
import { phrase } from "../words/phrase.js";

/** The bytes at an address; `heard` is told how many came. Throws an Error with a sentence, or AbortError. */
export async function fetched(address, signal, heard = (/** @type {number} */ _count) => {}) {
  try {
    const answer = await fetch(address, { signal, cache: "no-cache" }); // a copy of another version's file would not fit the others
    if (!answer.ok || !answer.body) throw new Error();
    const parts = /** @type {BlobPart[]} */ ([]);
    const reader = answer.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return await new Blob(parts).arrayBuffer();
      parts.push(value);
      heard(value.length);
    }
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error(phrase("model_unreached"));
  }
}

/** The same, unpacked if they are compressed. */
export const unzipped = async (address, signal) => unpacked(new Blob([await fetched(address, signal)]));

/**
 * Reads the files that model.json names; `heard` is told the share that has come.
 * @param {string} folder their address @param {Record<string, { bytes: number, sha256: string }>} files
 * @returns {(name: string) => Promise<ArrayBuffer>} throws an Error with a sentence, or AbortError
 */
export function filesOf(folder, files, signal, heard) {
  const total = Object.values(files).reduce((sum, { bytes }) => sum + bytes, 0);
  let come = 0;
  return async (name) => {
    const content = await fetched(new URL(name, folder), signal, (count) => heard(Math.min(1, (come += count) / total)));
    if (content.byteLength !== files[name].bytes || !(await sound(content, files[name].sha256))) {
      throw new Error(phrase("model_damaged", { name }));
    }
    return content;
  };
}

/** Whether bytes have this SHA-256; where the browser computes none, as without https, the size must do. */
async function sound(content, expected) {
  if (!globalThis.crypto?.subtle) return true;
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(found, (each) => each.toString(16).padStart(2, "0")).join("") === expected;
}
