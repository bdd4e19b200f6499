// Sends files to Gradio's upload route, one at a time: a newer one ends the one before it.

import { post } from "../shared/http.js";
import { phrase } from "../words/phrase.js";

const NAME = "picture"; // instead of the file's own name, which the server need not know

/** Where Gradio takes files: below the page's root, which may be a path of its host. */
function address() {
  const { root = "", api_prefix: prefix = "/gradio_api" } = /** @type {any} */ (globalThis).gradio_config ?? {};
  return `${root.replace(/\/+$/, "")}${prefix}/upload`;
}

/** The path of the file on the server. Throws an Error with a message, or AbortError. */
export async function send(file, signal, progress) {
  await file.slice(0, 1).arrayBuffer().catch(unreadable);
  const form = new FormData();
  form.append("files", file, NAME);
  const [path] = await post(address(), form, signal, progress);
  return path;
}

function unreadable() {
  throw new Error(phrase("unreadable_file"));
}

/**
 * A function that sends a file, and one that ends what is being sent.
 * @param {AbortSignal} life ends it, too
 * @param {{ begin: (file: File) => void, progress: (share: number) => void, done: (file: File, path: string) => void,
 *   failed: (file: File, problem: string) => void }} told
 */
export function uploads(life, told) {
  /** @type {AbortController | null} */
  let current = null;
  const cancel = () => {
    current?.abort();
    current = null;
  };
  life.addEventListener("abort", cancel);

  async function start(file) {
    cancel();
    const mine = (current = new AbortController());
    told.begin(file);
    try {
      const path = await send(file, mine.signal, (share) => current === mine && told.progress(share));
      if (current === mine) told.done(file, path);
    } catch (error) {
      if (current === mine) told.failed(file, error.message);
    } finally {
      if (current === mine) current = null;
    }
  }

  return { start, cancel };
}
