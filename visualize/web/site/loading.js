// The model, which is loaded when it is first needed, and while somebody waits for it. It is large: how much has come is shown, and it
// can be cancelled.

import { say } from "../shared/dom.js";
import { phrase } from "../words/phrase.js";
import { facts, root } from "./facts.js";
import { keep } from "./offline.js";

let opening = /** @type {?{ model: Promise<any>, stop: AbortController }} */ (null);
let loaded = false;
const waiting = new Set(); // what hears how much has come
const PATIENCE = 2000; // ms without anybody who waits; a question that is put anew, such as with another head, comes within it
const size = Math.round(facts.download.bytes / 1e6); // megabytes

const find = (part) => /** @type {any} */ (document.querySelector(`[data-own-${part}]`));

/** The model, or that which is being loaded; null if it was not needed yet. */
export const running = () => opening?.model ?? null;

/**
 * The model, once it is loaded. `onStep` hears how much has come. Where `signal` ends the last wait for it, its loading ends, too. Throws
 * an Error with a message, or AbortError.
 */
export function model(
  onStep = (/** @type {{ step: string, share: number, size: number }} */ _step) => {},
  signal = new AbortController().signal,
) {
  opening ??= begin();
  const { model, stop } = opening;
  const hear = (step) => onStep(step); // the same function may wait twice
  waiting.add(hear);
  return new Promise((resolve, reject) => {
    const leave = () => {
      waiting.delete(hear);
      setTimeout(() => waiting.size || loaded || stop.abort(), PATIENCE);
      reject(signal.reason);
    };
    signal.addEventListener("abort", leave);
    model.then(resolve, reject).finally(() => {
      waiting.delete(hear);
      signal.removeEventListener("abort", leave);
    });
  });
}

function begin() {
  const stop = new AbortController();
  stop.signal.addEventListener("abort", () => opening?.stop === stop && ended());
  return { stop, model: open(stop) };
}

async function open(stop) {
  const tell = (share) => {
    if (stop.signal.aborted) return;
    find("share").value = share;
    waiting.forEach((hear) => hear({ step: "loading", share, size }));
  };
  say(find("status"), phrase("site_loading", { size }));
  find("loading").hidden = false;
  find("cancel").onclick = () => stop.abort();
  tell(0);
  try {
    const { openModel } = await import("../model/model.js");
    const found = await openModel({ address: new URL("model/", root).href, onProgress: tell, signal: stop.signal });
    loaded = true;
    show(found.notice);
    keep(facts.download.files.map((path) => new URL(path, root).href)); // it may have come before there was a service worker
    return found;
  } catch (error) {
    if (stop.signal.aborted) throw new Error(phrase("site_cancelled"));
    ended();
    throw error;
  }
}

/** So that it is tried again. */
function ended() {
  opening = null;
  show("");
}

function show(text) {
  say(find("status"), text);
  find("loading").hidden = true;
}
