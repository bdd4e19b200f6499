// Entry: brings the laboratory's element to life. The page's host calls `mount`.

import { Laboratory } from "./laboratory.js";

/**
 * Takes the element that holds the template. `props.value` is what Python set, `watch` tells of a new one, `base` is the
 * address below which the server answers, `trigger` sends an event of this element to Python.
 */
export function mount(element, props, watch, base, trigger) {
  const root = element.querySelector("[data-lab]") ?? element;
  window.cvtLaboratory?.destroy();
  const laboratory = (window.cvtLaboratory = new Laboratory(root, base, trigger));
  watch?.("value", () => laboratory.runs?.heard(props.value));
  laboratory.open(window.cvtExplorer?.get("main")?.waiting?.bench ?? null);
}
