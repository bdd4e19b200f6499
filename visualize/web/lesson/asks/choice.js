// A choice: a row of buttons, one of which is meant.

import { make } from "../../shared/dom.js";
import { phrase } from "../../words/phrase.js";

let count = 0; // of groups, for their names

/** @type {import("./asks.js").Mount} */
export function mount(root, { name, options, changed }) {
  const group = `cvt-lesson-choice-${++count}`;
  const buttons = options.map(({ value, text }) => {
    const input = make("input", { type: "radio", name: group, value });
    return { value: String(value), input, element: make("label", { class: "cvt-lesson-option" }, input, make("span", { text })) };
  });
  const element = make(
    "div",
    { class: "cvt-lesson-options", role: "radiogroup", "aria-label": name },
    ...buttons.map(({ element }) => element),
  );
  element.addEventListener("change", ({ target }) => changed(target.value));
  root.append(element);

  return {
    focus: () => (buttons.find(({ input }) => input.checked) ?? buttons[0]).input.focus(),

    reveal(truth, _grade, answer) {
      const right = [truth.value, ...(truth.also ?? [])].map(String);
      for (const { value, input, element } of buttons) {
        const [true_, mine] = [right.includes(value), value === answer];
        input.disabled = true;
        element.toggleAttribute("data-true", true_);
        element.toggleAttribute("data-mine", mine);
        const note = true_ && mine ? "lesson_both" : true_ ? "lesson_models" : mine ? "lesson_yours" : null;
        if (note) element.append(make("small", { text: phrase(note) }));
      }
    },

    destroy: () => element.remove(),
  };
}
