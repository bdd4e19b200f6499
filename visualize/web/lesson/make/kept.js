// The draft of a lesson, kept in this browser until it is saved or discarded.

import { restored } from "./draft.js";

const KEY = "cvt-draft";

/** The draft that was kept, or null. */
export function keptDraft() {
  try {
    return restored(localStorage.getItem(KEY));
  } catch {
    return null; // no storage
  }
}

/** Keeps a draft; null forgets it. */
export function keepDraft(draft) {
  try {
    if (draft) localStorage.setItem(KEY, JSON.stringify(draft));
    else localStorage.removeItem(KEY);
  } catch {} // it lasts as long as the page
}
