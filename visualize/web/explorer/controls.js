// The templates' controls: from an event to a choice, and from the choices to the pressed state.

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
      if (toggle) explorer.set({ [toggle]: !explorer.state[toggle] });
      else if (set === "zoom") explorer.set({ zoom: Number(value), focus: { y: explorer.state.y, x: explorer.state.x } });
      else if (set === "layer") explorer.set({ layer: value, part: "stage" });
      else explorer.set({ [set]: value });
    },
    { signal },
  );
  root.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape" && explorer.state && !event.defaultPrevented) explorer.raise();
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const group = event.target.closest("[role=group]");
      if (!step || !group || event.target.tagName !== "BUTTON") return;
      const buttons = Array.from(group.querySelectorAll("button"));
      const next = buttons[buttons.indexOf(event.target) + step];
      next?.focus();
      next?.click();
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
