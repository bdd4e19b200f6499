// The page's laboratory: connects its element to Python's reports on runs and to the page's state, and mounts its two explorers.

import { mount as mountExplorer } from "../explorer/host.js";
import { drawTerm } from "../explorer/terms.js";
import { inspect, page } from "../shared/page.js";
import { terms } from "../shared/terms.js";
import { Laboratory } from "./laboratory.js";

let unmount = null; // of the one that the page has

/**
 * Takes the element that holds the template. `props.value` is what Python set, `watch` reports a new one, `base` is the
 * address below which the server answers, `trigger` sends an event of this element to Python. Returns its clean-up.
 */
export function mount(element, props, watch, base, trigger) {
  unmount?.();
  const root = element.querySelector("[data-lab]") ?? element;
  const laboratory = new Laboratory(root, base, trigger);
  const explorers = Array.from(root.querySelectorAll("[data-explorer]"), (each) =>
    mountExplorer(each, {}, undefined, base.replace(/[^/]+\/$/, "explorer/")),
  );
  // drawn of the variant, as far as there is one; the explorers have their own
  const shown = () => ["variant", "baseline", "main"].map((id) => page.state.view[id]).find(Boolean);
  terms([laboratory.ref.head, laboratory.ref.controls], (term, canvas) => drawTerm(canvas, term, shown()), laboratory.life.signal);
  inspect("laboratory", laboratory);
  watch?.("value", () => laboratory.runs?.heard(props.value));
  laboratory.open(page.state.model);
  return (unmount = () => {
    explorers.forEach((stop) => stop());
    laboratory.destroy();
    inspect("laboratory", null);
  });
}
