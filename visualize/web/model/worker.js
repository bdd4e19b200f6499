// The worker in which the model runs: it answers the calls of model.js.

import { codec } from "./codec.js";
import { fetched, filesOf, unzipped } from "./files.js";
import { loaded } from "./load.js";

const calls = new Map(); // how to abort those that are not answered yet, by their number
let engine = /** @type {import("./engine.js").Engine | null} */ (null);

/** Loads the model in a folder; `onStep` is told the share of it that has come. */
async function open(address, onStep, signal) {
  const facts = JSON.parse(new TextDecoder().decode(await fetched(new URL("model.json", address), signal)));
  const at = (path) => new URL(path, address).href;
  const [ort, wasm] = await Promise.all([import(at(facts.runtime.script)), unzipped(at(facts.runtime.wasm), signal)]);
  ort.env.wasm.wasmBinary = wasm;
  const file = filesOf(address, facts.files, signal, (share) => onStep({ step: "loading", share }));
  engine = await loaded({ facts, file, ort, codec });
}

/** What each call does with its arguments. */
const METHODS = {
  open,
  explore: (picture, options, onStep, signal) => engine?.explore(picture, options, onStep, signal),
  data: (key) => engine?.data(key),
  block: (key, stage, block) => engine?.block(key, stage, block),
  inside: (key, stage, block) => engine?.inside(key, stage, block),
  answer: (name, asked, onStep, signal) => engine?.answer(name, asked, onStep, signal),
};
const HEARING = ["open", "explore", "answer"]; // those that report steps and can be aborted

self.addEventListener("message", async ({ data: { number, method, given, abort } }) => {
  if (abort) return calls.get(number)?.abort();
  const stop = new AbortController();
  calls.set(number, stop);
  const onStep = (step) => self.postMessage({ number, step });
  try {
    const value = await METHODS[method](...given, ...(HEARING.includes(method) ? [onStep, stop.signal] : []));
    self.postMessage({ number, value }, { transfer: value instanceof ArrayBuffer ? [value] : [] });
  } catch ({ name, message, gone }) {
    self.postMessage({ number, error: { name, message, gone } });
  } finally {
    calls.delete(number);
  }
});
