// The page's tab "Break it": mounts its two explorers, and the experiment that is chosen.

import { mount as mountExplorer } from "../explorer/host.js";
import { inspect } from "../shared/page.js";
import { Breaking } from "./breaking.js";

let unmount = null; // of the one that the page has

/** Takes the element that holds the template; `base` is the address below which the server answers. Returns its clean-up. */
export function mount(element, _props, _watch, base) {
  unmount?.();
  const root = element.querySelector("[data-break]") ?? element;
  const breaking = new Breaking(root, base);
  const explorers = Array.from(root.querySelectorAll("[data-explorer]"), (each) =>
    mountExplorer(each, {}, undefined, base.replace(/[^/]+\/$/, "explorer/")),
  );
  inspect("breaking", breaking);
  breaking.begin();
  return (unmount = () => {
    explorers.forEach((stop) => stop());
    breaking.destroy();
    inspect("breaking", null);
  });
}
