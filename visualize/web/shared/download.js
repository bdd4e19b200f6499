// What a person takes away: text on the clipboard, a blob as a file.

import { phrase } from "../words/phrase.js";
import { make, say } from "./dom.js";

const KEPT = 10_000; // ms for which a download may still begin

/** Copies the text of an element; without permission it is selected, so that Ctrl+C does it. The button says which. */
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

/** Hands a blob to the browser as a download; its address is good for a while, at most until `signal` ends it. */
export function save(blob, name, signal) {
  const href = URL.createObjectURL(blob);
  make("a", { href, download: name }).click();
  later(() => URL.revokeObjectURL(href), KEPT, signal);
}

/** Does something after a while, or at once when `signal` ends what it belongs to. */
function later(work, wait, signal) {
  const done = () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", done);
    work();
  };
  const timer = setTimeout(done, wait);
  signal?.addEventListener("abort", done);
}
