// A canvas whose columns are a slider: pointing reads one, clicking or arrow keys choose it.

import { make } from "../../shared/dom.js";
import { patch } from "../../shared/tree.js";

/**
 * `pointed(index | null)` while the pointer is over it, `chosen(index)` when one is chosen.
 * @param {{ height: number, pointed: (index: number | null) => void, chosen: (index: number) => void, resized: () => void,
 *   signal: AbortSignal }} options
 */
export function strip({ height, pointed, chosen, resized, signal }) {
  const canvas = make("canvas", { "aria-hidden": "true", style: `height:${height}px` });
  const marks = make("div", { class: "cvt-marks", "aria-hidden": "true" });
  const element = make("div", { class: "cvt-strip-slider", role: "slider", tabindex: "0" }, canvas, marks);
  let [count, now, wide] = [1, 0, 0];
  const watcher = new ResizeObserver(([{ contentRect }]) => {
    wide = Math.round(contentRect.width); // asking for it while drawing would lay the page out once more
    resized();
  });
  watcher.observe(canvas);
  signal.addEventListener("abort", () => watcher.disconnect());

  const at = (event) => {
    const { left, width } = element.getBoundingClientRect();
    return Math.min(count - 1, Math.max(0, Math.floor(((event.clientX - left) / width) * count)));
  };
  element.addEventListener("pointermove", (event) => pointed(at(event)), { signal });
  element.addEventListener("pointerleave", () => pointed(null), { signal });
  element.addEventListener("click", (event) => chosen(at(event)), { signal });
  element.addEventListener(
    "keydown",
    (event) => {
      const to = { ArrowLeft: now - 1, ArrowDown: now - 1, ArrowRight: now + 1, ArrowUp: now + 1, Home: 0, End: count - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      now = Math.min(count - 1, Math.max(0, to)); // at once: keys may repeat faster than frames
      chosen(now);
    },
    { signal },
  );

  /** Sizes the canvas; its context in CSS pixels, and its width. */
  function pen() {
    const ratio = Math.min(3, window.devicePixelRatio || 1);
    const width = wide;
    if (canvas.width !== Math.round(width * ratio)) [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return { context, width };
  }

  /** Says what is chosen, and outlines it, with a bar of `filled` pixels, and what is pointed at. */
  function tell({ label, text, index, all, lit, filled = 0 }) {
    [count, now] = [all, index];
    const values = { "aria-label": label, "aria-valuemin": 1, "aria-valuemax": all, "aria-valuenow": index + 1, "aria-valuetext": text };
    for (const [name, value] of Object.entries(values)) if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
    const mark = (each, extra = /** @type {?string} */ (null)) => [
      "i",
      { class: extra, style: `left:${(each / all) * 100}%;width:${100 / all}%` },
    ];
    const bar = ["b", { style: `left:${(index / all) * 100}%;width:${100 / all}%;height:${filled}px` }];
    patch(marks, [filled ? bar : null, mark(index), lit !== null && lit !== index ? mark(lit, "cvt-lit") : null]);
  }

  return { element, pen, tell };
}
