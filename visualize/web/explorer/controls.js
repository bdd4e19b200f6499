// The templates' controls: from an event to a choice, and from the choices to the pressed state.

import { step } from "../shared/rove.js";
import { asShown } from "./state.js";

/**
 * The controls of the templates: data-set (one of several), data-toggle (yes or no), data-bind (inputs).
 * @param {import("./explorer.js").Explorer} explorer
 */
export function listen(explorer, root, signal) {
  root.addEventListener(
    "click",
    (event) => {
      const button = event.target.closest("[data-set],[data-toggle]");
      if (!button || !explorer.state) return;
      const { set, value, toggle } = button.dataset;
      const on = button.getAttribute("aria-pressed") !== "true"; // what is seen decides: a choice may be made and not be shown
      if (toggle === "cls") explorer.set({ cls: on, ...(on && { view: "token" }) });
      else if (toggle) explorer.set({ [toggle]: on });
      else if (set === "zoom") explorer.set({ zoom: Number(value), focus: { y: explorer.state.y, x: explorer.state.x } });
      else if (set === "layer") explorer.set({ layer: value, part: "stage" });
      else if (set === "depth") explorer.set({ depth: value, part: "stage" });
      else if (set === "features") explorer.set({ features: value, layer: "features" });
      else explorer.set({ [set]: value });
    },
    { signal },
  );
  root.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape" && explorer.state && !event.defaultPrevented && explorer.raise()) event.preventDefault();
      step(event);
    },
    { signal },
  );
  root.addEventListener(
    "input",
    (event) => {
      const { bind } = event.target.dataset;
      if (!bind || !explorer.state) return;
      const { type, checked, value } = event.target;
      explorer.set({ [bind]: type === "checkbox" ? checked : type === "range" ? Number(value) : value });
    },
    { signal },
  );
}

/** Makes the controls show the choices. */
export function mirror(explorer) {
  for (const root of Object.values(explorer.roots)) {
    const state = asShown(explorer.state);
    for (const each of root.querySelectorAll("[data-set]"))
      each.setAttribute("aria-pressed", String(state[each.dataset.set]) === each.dataset.value);
    for (const each of root.querySelectorAll("[data-which]")) {
      each.setAttribute("aria-pressed", state.layer === "class" && state.which === Number(each.dataset.which));
    }
    for (const each of root.querySelectorAll("[data-bind]")) {
      const value = state[each.dataset.bind];
      if (each.type === "checkbox") each.checked = value;
      else if (each.value !== String(value)) each.value = value;
    }
  }
}
