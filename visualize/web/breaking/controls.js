// Controls that several experiments have.

import { make } from "../shared/dom.js";

/**
 * A labelled group of buttons; `values` gives pairs of a value and its text, `reflect` shows the current ones.
 * @param {string} label
 * @param {() => any[]} values
 * @param {() => string | number} get
 * @param {(value: string) => void} set
 */
export function choice(label, values, get, set) {
  const group = make("div", { class: "cvt-choice", role: "group", "aria-label": label });
  group.addEventListener("click", ({ target }) => target.dataset.value !== undefined && set(target.dataset.value));
  const element = make("div", { class: "cvt-break-choice" }, make("span", { "aria-hidden": "true", text: label }), group);
  let known = "";
  function reflect() {
    const wanted = values();
    const described = JSON.stringify(wanted);
    if (described !== known)
      group.replaceChildren(...wanted.map(([value, text]) => make("button", { type: "button", "data-value": value, text })));
    known = described;
    for (const each of group.children) each.setAttribute("aria-pressed", String(each.dataset.value === String(get())));
  }
  return { element, reflect };
}
