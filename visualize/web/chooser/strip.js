// The filmstrip: one tab stop in which arrow keys move, and buttons that show there is more.

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };

/**
 * Connects the strip; returns what marks the chosen example.
 * @param {any} element holds the strip; what is in it may be put back to the template
 * @param {ReturnType<typeof import("../shared/life.js").life>} life
 */
export function strip(element, { signal, later }) {
  const find = (query) => /** @type {HTMLElement | null} */ (element.querySelector(query));
  const row = () => find("[data-strip]");
  const buttons = () => /** @type {HTMLElement[]} */ (Array.from(element.querySelectorAll("[data-example]")));

  /** Makes one button the tab stop. */
  function stopAt(wanted) {
    for (const each of buttons()) each.tabIndex = each === wanted ? 0 : -1;
  }

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
    "keydown",
    (event) => {
      const here = event.target.closest?.("[data-example]");
      const step = STEPS[event.key];
      if (!here || !step) return;
      event.preventDefault();
      event.stopPropagation(); // or the picture's controls would take it for theirs
      const all = buttons();
      const next = all[Math.min(all.length - 1, Math.max(0, all.indexOf(here) + step))];
      next.focus();
    },
    { signal, capture: true },
  );
  element.addEventListener("focusin", ({ target }) => target.closest?.("[data-example]") && stopAt(target), { signal });
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
      const all = buttons();
      for (const each of all) each.setAttribute("aria-current", String(each.dataset.example === name));
      const current = all.find((each) => each.dataset.example === name);
      if (!all.includes(/** @type {HTMLElement} */ (document.activeElement))) stopAt(current ?? all[0]);
    },
  };
}
