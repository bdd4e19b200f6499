// Where lessons come from: the server's own, a file, or an address that a link names. The server reads the text; nothing is stored there.

import { ask, elsewhere, get } from "../shared/http.js";
import { phrase } from "../words/phrase.js";

const MOST = 64_000; // characters that the server reads, or a little less

const known = new Map(); // by address, since the list does not change while the page is open

/** The server's list: { lessons, problems }. Throws an Error with a message, or AbortError. */
export function fetched(base, signal) {
  if (!known.has(base)) {
    const asked = get(base.replace(/\/$/, ""), signal);
    known.set(base, asked);
    asked.catch(() => known.delete(base)); // so that it is asked for again
  }
  return known.get(base);
}

/** The lesson that a link names: one of the server's, or one at an address, which this browser fetches. Throws as `readText`. */
export async function readLink(base, link, signal) {
  if (link.startsWith("https:")) return readText(base, await textAt(link, signal), signal);
  const { lessons } = await fetched(base, signal);
  const found = lessons.find(({ name }) => name === link);
  if (!found) throw new Error(phrase("lesson_unknown", { name: link }));
  return found;
}

async function textAt(address, signal) {
  const asked = elsewhere(address, { signal, credentials: "omit", referrerPolicy: "no-referrer" });
  try {
    const answer = await asked;
    if (answer.ok) return await begun(answer.body);
  } catch (error) {
    if (error.name === "AbortError") throw error;
  }
  throw new Error(phrase("lesson_unreached", { address }));
}

/** The text of a stream, of which no more is read than it takes to see that it is too large. */
async function begun(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    text += part.value;
    if (text.length > MOST) reader.cancel().catch(() => {}); // then it is done
  }
  return text;
}

/** The lesson in a file. Throws as `readText`. */
export async function readFile(base, file, signal) {
  return readText(base, await file.slice(0, 2 * MOST).text(), signal);
}

/** The lesson in a text. Throws AbortError, or an Error with a message, and if the text is wrong its `line`, and its `problem` alone. */
export async function readText(base, text, signal) {
  if (text.length > MOST) throw new Error(phrase("lesson_large"));
  const found = await ask(`${base}read`, { text }, signal);
  if (found.error) throw Object.assign(new Error(found.error), { line: found.line, problem: found.problem });
  return found.lesson;
}
