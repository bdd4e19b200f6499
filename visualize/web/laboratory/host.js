// The page's laboratory: connects its element to Python's reports on runs and to the page's state.

import { inspect, page } from "../shared/page.js";
import { Laboratory } from "./laboratory.js";

let unmount = null; // of the one that the page has

/**
 * Takes the element that holds the template. `props.value` is what Python set, `watch` reports a new one, `base` is the
 * address below which the server answers, `trigger` sends an event of this element to Python. Returns its clean-up.
 */
export function mount(element, props, watch, base, trigger) {
  unmount?.();
  const laboratory = new Laboratory(element.querySelector("[data-lab]") ?? element, base, trigger);
  inspect("laboratory", laboratory);
  watch?.("value", () => laboratory.runs?.heard(props.value));
  laboratory.open(page.state.model);
  return (unmount = () => {
    laboratory.destroy();
    inspect("laboratory", null);
  });
}
