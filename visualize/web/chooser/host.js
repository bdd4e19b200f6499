// The examples, and the choices made in any part of the page.

import { life } from "../shared/life.js";
import { MAIN, page } from "../shared/page.js";
import { choices } from "./choices.js";
import { hearUploads } from "./upload.js";

/** @returns {HTMLSelectElement | null} */
const models = () => document.querySelector("#model-choice select");

let unmount = null; // of the one that the page has

/** Takes the element that holds the template; `trigger` sends an event of this element to Python. Returns its clean-up. */
export function mount(element, _props, _watch, _base, trigger) {
  unmount?.();
  const { signal, end } = life(element);

  const chosen = choices({
    send: ({ picture, model }) => trigger("submit", { ...picture, ...(model && { model }) }),
    working: (newer) => page.update({ choosing: { newer } }),
    settled() {
      page.update({ choosing: null });
      show();
    },
  });

  /** Selects the model and the example of Python's last answer. */
  function show() {
    const { model, example } = page.state.results[MAIN] ?? {};
    const list = models();
    if (model && list) list.value = model;
    for (const each of element.querySelectorAll("[data-example]")) {
      each.setAttribute("aria-current", each.dataset.example === example);
    }
  }

  element.addEventListener(
    "click",
    ({ target }) => {
      const button = target.closest?.("[data-example]");
      if (button) chosen.choose({ picture: { example: button.dataset.example } });
    },
    { signal },
  );
  document.addEventListener(
    "change",
    ({ target }) => {
      const list = models();
      if (list && target === list) chosen.choose({ model: list.value });
    },
    { signal },
  );
  hearUploads(signal);
  const leave = page.subscribe((now, before) => {
    if (now.asked !== before.asked) chosen.choose(now.asked);
    if (now.gone !== before.gone && now.gone.explorer === MAIN) chosen.choose({}); // recompute the current result
    if (now.answers !== before.answers) chosen.answered();
    if (now.picture !== before.picture) show();
  });
  signal.addEventListener("abort", leave);
  const { answers, asked } = page.state; // from before the scripts were here
  if (answers) chosen.answered();
  if (asked) chosen.choose(asked);
  return (unmount = end);
}
