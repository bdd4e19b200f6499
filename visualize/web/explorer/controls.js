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
      if (event.key === "Escape" && explorer.state && !event.defaultPrevented) explorer.raise();
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const group = event.target.closest("[role=group],[role=toolbar]");
      if (!step || !group || event.target.tagName !== "BUTTON") return;
      const buttons = offered(group);
      const next = buttons[buttons.indexOf(event.target) + step];
      next?.focus();
      if (group.getAttribute("role") === "group") next?.click();
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

/** The buttons of a group that are there. */
const offered = (group) => Array.from(group.querySelectorAll("button")).filter((each) => !each.hidden);

/** Makes each group of buttons one stop of the Tab key: at the pressed button, else at the focused or first one. */
function rove(root) {
  for (const group of root.querySelectorAll("[role=group],[role=toolbar]")) {
    const buttons = offered(group);
    const stop =
      buttons.find((each) => each === document.activeElement) ??
      buttons.find((each) => each.getAttribute("aria-pressed") === "true") ??
      buttons[0];
    for (const each of buttons) {
      const index = each === stop ? 0 : -1;
      if (each.tabIndex !== index) each.tabIndex = index;
    }
  }
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
    rove(root);
  }
}
