// The whole window takes a picture: a drop anywhere, and one that is pasted.

import { make } from "../shared/dom.js";
import { dropped, pasted } from "./files.js";
import { phrase } from "../words/phrase.js";

const FIELDS = "textarea, select, [contenteditable]:not([contenteditable=false]), input";
const NOT_TYPED = ["button", "checkbox", "color", "file", "radio", "range", "reset", "submit"];

/** Whether text can be typed here, so that a drop or a paste is its own. */
function isField(target) {
  const field = target?.closest?.(FIELDS);
  return Boolean(field) && !NOT_TYPED.includes(field.type);
}

/**
 * Listens on the whole page.
 * @param {AbortSignal} signal
 * @param {HTMLElement} above the element for what lies over the page
 * @param {number} most bytes that the server takes
 * @param {(found: { file?: File, problem?: string, lesson?: File }) => void} take
 */
export function hearWindow(signal, above, most, take) {
  const veil = make("div", { class: "cvt cvt-veil", popover: "manual" }, make("p", { text: phrase("drop_here") }));
  above.append(veil);
  signal.addEventListener("abort", () => veil.remove());
  let within = false; // whether the drag began in the page: of its own text, say

  const show = (wanted) => {
    if (veil.matches(":popover-open") !== wanted) wanted ? veil.showPopover() : veil.hidePopover();
  };
  /** @param {string} type @param {(event: any) => void} listener */
  const hear = (type, listener) => document.addEventListener(type, listener, { signal });

  hear("dragstart", () => (within = true));
  hear("dragend", () => (within = false));
  hear("dragover", (event) => {
    if (within || isField(event.target)) return show(false);
    event.preventDefault(); // or the browser would open the file in place of the page
    event.dataTransfer.dropEffect = "copy";
    show(event.dataTransfer.types.includes("Files"));
  });
  hear("dragleave", (event) => event.relatedTarget === null && show(false));
  hear("drop", (event) => {
    show(false);
    if (within || isField(event.target)) return;
    event.preventDefault();
    take(dropped(event.dataTransfer, most));
  });
  hear("paste", (event) => {
    if (event.defaultPrevented || isField(event.target)) return;
    event.preventDefault();
    take(pasted(event.clipboardData, most));
  });
}
