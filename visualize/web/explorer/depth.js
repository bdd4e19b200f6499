// What is open beside the picture: its view is shown, the others are hidden.

import { treeOf } from "../shared/dom.js";

/**
 * Connects the views; `draw` runs for every change.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function depth(explorer, ref) {
  const { panels } = explorer.roots;
  /** @type {string | null} */
  let shown = null;

  /** Keys go to the focused element: if it was hidden, to the button that leads on from what is shown. */
  function keepFocus() {
    const focused = treeOf(panels).activeElement;
    if (!panels.contains(focused) || focused?.getClientRects().length) return;
    const { open, state } = explorer;
    (open === "none" ? ref.lookInside : ref[`depth:${state.depth}`]).focus({ preventScroll: true });
  }

  /** Shows what is open, keeps the focus, and gives canvases that were hidden their size. */
  function draw() {
    const { open } = explorer;
    if (open === shown) return;
    shown = open;
    ref.overview.hidden = open !== "none";
    ref.depth.hidden = open === "none";
    /** @type {NodeListOf<HTMLElement>} */
    const views = panels.querySelectorAll("[data-depth]");
    for (const each of views) each.hidden = each.dataset.depth !== open;
    keepFocus();
    explorer.measure();
  }

  return { draw };
}
