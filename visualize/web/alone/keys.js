// Keys in an explorer are its own, not the notebook's, whose single letters, arrows and Enter move between cells and change them.

/** Whether a key is the explorer's: combinations, and Shift with Enter, which runs a cell, stay the notebook's. */
const own = ({ key, ctrlKey, metaKey, altKey, shiftKey }) => !(ctrlKey || metaKey || altKey || (shiftKey && key === "Enter"));

/**
 * Keeps keys that are pressed within an element from the notebook, until `signal` aborts.
 * @param {HTMLElement} host
 * @param {AbortSignal} signal
 */
export function keepKeys(host, signal) {
  // JupyterLab hears keys before the element does, unless it has this attribute; the window hears them first of all
  const mark = (event) => event.composedPath().includes(host) && host.toggleAttribute("data-lm-suppress-shortcuts", own(event));
  window.addEventListener("keydown", mark, { capture: true, signal });
  for (const type of ["keydown", "keyup", "keypress"]) {
    host.addEventListener(type, (event) => own(/** @type {KeyboardEvent} */ (event)) && event.stopPropagation(), { signal });
  }
}
