// The model in the browser, for a page: a worker loads it and runs it, so that the page never waits.

import { phrase } from "../words/phrase.js";

/**
 * @typedef {(step: { step: string, share: number }) => void} OnStep
 *
 * @typedef {object} Model
 * @property {string} notice a sentence, if a back-end failed its test and another took its place; else ""
 * @property {(picture: Blob | ImageBitmap | ImageData, options?: { interventions?: object[], also?: number[], example?: string },
 *   onStep?: OnStep, signal?: AbortSignal) => Promise<{ key: string, value: any }>} explore runs it on a picture; gives an explorer's value
 * @property {(key: string) => Promise<?ArrayBuffer>} data a result's payload; null if it is not known
 * @property {(key: string, stage: number, block: number) => Promise<?ArrayBuffer>} block the attention of a block that is not in it
 * @property {(key: string, stage: number, block: number) => Promise<?ArrayBuffer>} inside a block's inside, for the microscope
 * @property {(name: string, asked: any, onStep?: OnStep, signal?: AbortSignal) => Promise<any>} answer the answer to an experiment's
 *   question, as the page's server gives it; undefined for what the browser cannot do. An error's `gone` names the key that is not known.
 * @property {() => void} close
 */

/**
 * Loads the model in the folder at `address`, which visualize/site/model_files.py wrote. `onProgress` is called with the share of it that
 * has come. Rejects with an Error with a sentence, or with AbortError.
 * @param {{ address: string, onProgress?: (share: number) => void, signal?: AbortSignal }} options
 * @returns {Promise<Model>}
 */
export async function openModel({ address, onProgress = () => {}, signal }) {
  const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
  const call = caller(worker);
  try {
    await call("open", [new URL(address, location.href).href], ({ share }) => onProgress(share), signal);
  } catch (error) {
    worker.terminate();
    throw error;
  }
  return {
    notice: "", // there is one back-end only
    explore: (picture, options = {}, onStep, signal) => call("explore", [picture, options], onStep, signal),
    data: (key) => call("data", [key]),
    block: (key, stage, block) => call("block", [key, stage, block]),
    inside: (key, stage, block) => call("inside", [key, stage, block]),
    answer: (name, asked, onStep, signal) => call("answer", [name, asked], onStep, signal),
    close: () => worker.terminate(),
  };
}

/** A function that calls the worker's methods; several calls may wait at once. @param {Worker} worker */
export function caller(worker) {
  const waiting = new Map(); // by number
  let count = 0;
  worker.addEventListener("message", ({ data: { number, step, value, error } }) => {
    const call = waiting.get(number);
    if (!call) return; // it was aborted
    if (step) return call.onStep?.(step);
    waiting.delete(number);
    if (!error) return call.resolve(value);
    call.reject(error.name === "AbortError" ? aborted() : Object.assign(new Error(error.message), error.gone && { gone: error.gone }));
  });
  worker.addEventListener("error", () => {
    for (const { reject } of waiting.values()) reject(new Error(phrase("model_ended")));
    waiting.clear();
  });
  const aborted = () => new DOMException("", "AbortError");

  /** @param {string} method @param {any[]} given @param {OnStep} [onStep] @param {AbortSignal} [signal] @returns {Promise<any>} */
  return function call(method, given, onStep, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted());
      const number = ++count;
      waiting.set(number, { resolve, reject, onStep });
      signal?.addEventListener("abort", () => {
        if (!waiting.delete(number)) return;
        worker.postMessage({ number, abort: true });
        reject(aborted());
      });
      worker.postMessage({ number, method, given });
    });
  };
}
