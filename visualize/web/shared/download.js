// Exports: text to the clipboard, a blob as a file.

import { phrase } from "../words/phrase.js";
import { make, say } from "./dom.js";

const KEPT = 10_000; // ms within which a download must begin

/** Copies an element's text; without permission it is selected, for Ctrl+C. The button says which. */
export async function copy(button, text, signal) {
  try {
    await navigator.clipboard.writeText(text.textContent);
    say(button, phrase("copied"));
  } catch {
    getSelection()?.selectAllChildren(text);
    say(button, phrase("selected"));
  }
  later(() => say(button, phrase("copy")), 2000, signal);
}

/** Downloads a blob; its address is valid for a while, at most until `signal` aborts. */
export function save(blob, name, signal) {
  const href = URL.createObjectURL(blob);
  make("a", { href, download: name }).click();
  later(() => URL.revokeObjectURL(href), KEPT, signal);
}

/** Does something after a while, or at once when `signal` aborts. */
function later(work, wait, signal) {
  const done = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", done);
    work();
  };
  const timer = setTimeout(done, wait);
  signal?.addEventListener("abort", done);
}
