// The site's own files.

import { unpacked } from "../shared/unpacked.js";
import { phrase } from "../words/phrase.js";
import { root } from "./facts.js";

/** The answer for a file of the site. Throws an Error with a message, or AbortError. */
async function fetched(path, signal) {
  const answer = await fetch(new URL(path, root), { signal }).catch((error) => {
    throw error.name === "AbortError" ? error : new Error(phrase("site_unreached"));
  });
  if (!answer.ok) throw new Error(phrase("site_missing", { path, status: answer.status }));
  return answer;
}

/** The JSON in a file. */
export const json = async (path) => (await fetched(path)).json();

/** A picture's file. */
export const picture = async (path, signal) => (await fetched(path, signal)).blob();

/** The bytes in a .gz file. */
export const bytes = async (path, signal) => unpacked(await (await fetched(path, signal)).blob());
