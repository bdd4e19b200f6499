// Asks the server for what takes long: the answer comes in lines, steps first and the result last.

import { ask } from "./http.js";
import { phrase } from "../words/phrase.js";

/** Calls `take` with the value of each line of an answer. */
async function lines(answer, take) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const parts = (rest + (value ?? "")).split("\n");
    rest = parts.pop() ?? "";
    parts.filter(Boolean).forEach((part) => take(JSON.parse(part)));
    if (done) return;
  }
}

/**
 * POSTs a value; `onStep` is called with { step, share }. Returns the result. Throws an Error with a message, or AbortError.
 * The error's `gone` names the key in `value` that the server does not know.
 * @param {string} url
 * @param {object} value
 * @param {(step: { step: string, share: number }) => void} onStep
 * @param {AbortSignal} signal
 */
export function stream(url, value, onStep, signal) {
  const read = async (answer) => {
    let last = /** @type {any} */ (null);
    try {
      await lines(answer, (line) => ("step" in line ? onStep(line) : (last = line)));
    } catch (error) {
      if (error.name === "AbortError") throw error; // else the connection has ended in the middle
    }
    if (!last) throw new Error(phrase("unreached"));
    if (last.error) throw Object.assign(new Error(last.error), { gone: last.gone });
    return last.result;
  };
  return ask(url, value, signal, read, onStep);
}
