// The controls for the table of choices: the templates only say where each is.

import { CHOICES } from "../choices.js";
import { make } from "./dom.js";

/** A button for each value: { value: label }. */
export const buttons = (name, values, hints = {}) =>
  Object.entries(values).map(([value, text]) =>
    make("button", { type: "button", "data-set": name, "data-value": value, "data-ref": `${name}:${value}`, title: hints[value], text }),
  );

const options = (name, values) =>
  Object.entries(values).map(([value, text]) => make("option", { value, "data-ref": `${name}:${value}`, text }));

/** Fills the elements whose data-choice names a choice: a group with buttons, a select with options, anything else with its label. */
export function offer(root) {
  for (const element of root.querySelectorAll("[data-choice]")) {
    const { name, label, values, hints } = CHOICES[element.dataset.choice];
    if (element.localName === "select") element.replaceChildren(...options(name, values));
    else if (element.getAttribute("role") === "group") {
      element.setAttribute("aria-label", label);
      element.replaceChildren(...buttons(name, values, hints));
    } else element.replaceChildren(label);
  }
}
