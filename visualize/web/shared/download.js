// What a person takes away: text on the clipboard, a blob as a file.

import { say } from "./dom.js";

/** Copies the text of an element; without permission it is selected, so that Ctrl+C does it. The button says which. */
export async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text.textContent);
    say(button, "Copied");
  } catch {
    getSelection().selectAllChildren(text);
    say(button, "Selected: press Ctrl+C");
  }
  setTimeout(() => say(button, "Copy"), 2000);
}

/** Hands a blob to the browser as a download. */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
