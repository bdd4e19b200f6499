// The filmstrip: which example is shown, and buttons where there is more. Its keys are those of every toolbar in an explorer.

import { rove } from "../shared/rove.js";

/**
 * Connects the strip; returns what marks the chosen example.
 * @param {any} element holds the strip; what is in it may be put back to the template
 * @param {ReturnType<typeof import("../shared/life.js").life>} life
 */
export function strip(element, { signal, later }) {
  const find = (query) => /** @type {HTMLElement | null} */ (element.querySelector(query));
  const row = () => find("[data-strip]");

  /** Shows which ways there is more. */
  function edges() {
    const line = row();
    if (!line) return;
    const room = line.scrollWidth - line.clientWidth;
    for (const [way, more] of [
      ["-1", line.scrollLeft > 1],
      ["1", line.scrollLeft < room - 1],
    ]) {
      const button = find(`[data-go="${way}"]`);
      if (button) button.hidden = !more;
    }
  }

  element.addEventListener(
    "click",
    ({ target }) => {
      const way = Number(target.closest?.("[data-go]")?.dataset.go);
      const line = row();
      if (way && line) line.scrollBy({ left: way * 0.8 * line.clientWidth });
    },
    { signal },
  );
  element.addEventListener("scroll", edges, { signal, capture: true });
  const watcher = new ResizeObserver(edges);
  const line = row();
  if (line) watcher.observe(line);
  signal.addEventListener("abort", () => watcher.disconnect());
  later(edges);

  return {
    /** Marks the example of this name, if there is one. */
    mark(name) {
      for (const each of element.querySelectorAll("[data-example]"))
        each.setAttribute("aria-current", String(each.dataset.example === name));
      rove(element);
    },
  };
}
