// A component's life from mount to clean-up, which ends everything it started and restores its elements.

/**
 * Begins a life in elements that hold templates. `signal` ends listeners and requests; `later` does something after some ms
 * unless the life ends before, and returns a function that cancels it; `end` is the clean-up.
 * @param {...Element} roots
 */
export function life(...roots) {
  const stop = new AbortController();
  const due = new Set();
  const templates = roots.map((root) => /** @type {Element} */ (root.cloneNode(true)));

  return {
    signal: stop.signal,

    /** @param {() => void} work */
    later(work, wait = 0) {
      if (stop.signal.aborted) return () => {};
      const timer = setTimeout(() => {
        due.delete(timer);
        work();
      }, wait);
      due.add(timer);
      return () => {
        clearTimeout(timer);
        due.delete(timer);
      };
    },

    end() {
      if (stop.signal.aborted) return;
      stop.abort();
      due.forEach((timer) => clearTimeout(timer));
      roots.forEach((root, index) => restore(root, templates[index]));
    },
  };
}

function restore(root, template) {
  for (const name of root.getAttributeNames()) if (!template.hasAttribute(name)) root.removeAttribute(name);
  for (const name of template.getAttributeNames()) root.setAttribute(name, template.getAttribute(name));
  root.replaceChildren(...template.childNodes);
}
