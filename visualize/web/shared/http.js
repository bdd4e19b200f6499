// Requests to the server: the bytes of results, uploads, and quick queries, of which the newest wins. A page without a server installs
// a function that answers them instead.

import { phrase } from "../words/phrase.js";

/**
 * @typedef {(path: string, body: any, onStep: (step: any) => void, signal?: AbortSignal) => any} Local answers a request, or gives a
 *   promise of it; undefined where it cannot. `path`: as a component asks for it, which begins with the address that it was mounted
 *   with; `body`: null where only an address is asked for
 */

let local = /** @type {?Local} */ (null);

/**
 * From now on this answers every request, and nothing is sent; null: the server again.
 * @param {?Local} answers
 */
export function answerWith(answers) {
  local = answers;
}

/** What only a page with a server can do. */
export class NeedsServer extends Error {
  constructor() {
    super(phrase("needs_server"));
  }
}

/** Whether there is a server to ask. */
export const hasServer = () => !local;

/** Throws NeedsServer where there is none. */
export function serverOnly() {
  if (local) throw new NeedsServer();
}

/** The answer of the page itself. Throws an Error with a message, or AbortError. */
async function here(path, body, signal, onStep = (/** @type {any} */ _step) => {}) {
  signal?.throwIfAborted();
  const found = await /** @type {Local} */ (local)(path, body, onStep, signal);
  signal?.throwIfAborted();
  if (found === undefined) throw new NeedsServer();
  return found;
}

async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error(phrase("unreached"));
  }
}

// Whether the server is on this machine: packing bytes and unpacking them would take longer than they travel. Only the page knows it, since
// a proxy beside the server asks from there, too.
const NEAR = /^(localhost|127\.0\.0\.1|\[::1\])$/;
const near = () => (NEAR.test(globalThis.location?.hostname ?? "") ? { "X-Near": "1" } : {});

/** The bytes at an address, null if they are no longer stored. Throws an Error with a message, or AbortError. */
export async function bytes(url, signal) {
  if (local) return here(url, null, signal);
  const answer = await reach(url, { signal, headers: near() });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(phrase("server_error", { status: answer.status }));
  return answer.body ? whole(answer.body) : answer.arrayBuffer();
}

/** All bytes of an answer's body, piece by piece: in Chromium the answer's own `arrayBuffer` takes a third longer. */
async function whole(body) {
  const reader = body.getReader();
  const pieces = [];
  let length = 0;
  for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
    pieces.push(value);
    length += value.length;
  }
  const found = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    found.set(piece, at);
    at += piece.length;
  }
  return found.buffer;
}

/** The JSON at an address. Throws an Error with a message, or AbortError. */
export async function get(url, signal) {
  if (local) return here(url, null, signal);
  const answer = await reach(url, { signal });
  if (!answer.ok) throw new Error(phrase("server_error", { status: answer.status }));
  return answer.json().catch((error) => {
    throw error.name === "AbortError" ? error : new Error(phrase("unreached")); // it ended in the middle
  });
}

/**
 * POSTs a value as JSON; returns `read` of the response. Throws an Error with a message, or AbortError.
 * `onStep`: takes the steps of an answer that the page itself gives; those of a server are in the response.
 */
export async function ask(url, value, signal, read = (answer) => answer.json(), onStep = (/** @type {any} */ _step) => {}) {
  if (local) return here(url, value, signal, onStep);
  const answer = await reach(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value), signal });
  if (answer.ok) return read(answer);
  const found = await answer.json().catch(() => null);
  throw new Error(found?.error ?? phrase("server_error", { status: answer.status }));
}

/** POSTs a form; `progress` is called with the share of it that is sent. Returns JSON. Throws an Error with a message, or AbortError. */
export function post(url, form, signal, progress) {
  if (local) return here(url, form, signal);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest(); // fetch does not say how much is sent
    request.open("POST", url);
    request.responseType = "text";
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onload = () => {
      try {
        if (request.status === 200) return resolve(JSON.parse(request.response));
      } catch {} // another server's page, such as a proxy's
      reject(refusal(request));
    };
    request.onerror = () => reject(new Error(phrase("unreached")));
    request.onabort = () => reject(new DOMException("", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

/** The server's own sentence if it gives one. */
function refusal(request) {
  const plain = request.getResponseHeader("content-type")?.startsWith("text/plain");
  return new Error(plain && request.status !== 500 ? request.response : phrase("server_error", { status: request.status }));
}

/** The file at an address of another server, as fetch gives it. A page that answers itself asks nobody. */
export function elsewhere(url, options) {
  serverOnly();
  return fetch(url, options);
}

/** A function that queries; a new query, or `signal`, aborts the one before it, whose promise resolves to null. */
export function newest(url, signal, send = ask) {
  /** @type {AbortController | null} */
  let current = null;
  signal?.addEventListener("abort", () => current?.abort());
  return async (value) => {
    current?.abort();
    const mine = (current = new AbortController());
    try {
      const found = await send(url, value, mine.signal);
      return mine.signal.aborted ? null : found;
    } catch (error) {
      if (mine.signal.aborted || error.name === "AbortError") return null;
      throw error;
    } finally {
      if (current === mine) current = null;
    }
  };
}
