// Links numbers and cells: what the pointer or the focus is on, or else what the step is about, is outlined wherever it stands.

import { treeOf } from "../../shared/dom.js";

/**
 * Listens in `root` for elements with data-number; `change` is called when another one is pointed at.
 * @param {HTMLElement} root
 * @param {() => void} change
 * @param {AbortSignal} signal
 */
export function pointing(root, change, signal) {
  let pointed = /** @type {string | null} */ (null);

  function point(part) {
    if (part === pointed) return;
    pointed = part;
    change();
  }
  const partOf = (event) => event.target.closest?.("[data-number]")?.getAttribute("data-number") ?? null;
  const over = (event) => event.target.closest?.("[role=slider]") || point(partOf(event)); // a slider says itself what is pointed at
  let last = "";
  root.addEventListener("focusin", over, { signal });
  root.addEventListener(
    "pointermove",
    (event) => {
      const at = `${event.screenX} ${event.screenY}`;
      if (at !== last) over(event); // browsers say that a pointer moved where only the page did, as at a step by key
      last = at;
    },
    { signal },
  );
  for (const type of ["pointerleave", "focusout"]) root.addEventListener(type, () => point(null), { signal });

  /** Outlines all that stands for a part: { data-number } or { data-line }, which is a row of them. One piece of each formula takes Tab. */
  function light(part) {
    for (const each of root.querySelectorAll("[data-on]")) if (!is(each, part)) each.removeAttribute("data-on");
    for (const each of root.querySelectorAll("[data-number]")) if (is(each, part)) each.setAttribute("data-on", "");
    for (const formula of root.querySelectorAll(".cvt-formula")) {
      const pieces = Array.from(formula.querySelectorAll(".cvt-piece"));
      const first = pieces.find((each) => is(each, part)) ?? pieces[0];
      for (const each of pieces) each.setAttribute("tabindex", each === first ? "0" : "-1");
    }
    const focused = treeOf(root).activeElement;
    if (!part || !focused?.classList.contains("cvt-piece") || !root.contains(focused) || is(focused, part)) return;
    const next = /** @type {HTMLElement | null} */ (focused.closest(".cvt-formula")?.querySelector(`[data-number="${part}"]`));
    next?.focus();
  }

  const is = (element, part) =>
    part !== null && (element.getAttribute("data-number") === part || element.getAttribute("data-line") === part);

  return {
    point,
    light,
    get pointed() {
      return pointed;
    },
  };
}
