// The examples, and what a person has chosen, by whichever part of the page.

import { MAIN, page } from "../shared/page.js";
import { choices } from "./choices.js";
import { hearUploads } from "./upload.js";

const models = () => document.querySelector("#model-choice select");

let unmount = null; // of the one that the page has

/** Takes the element that holds the template; `trigger` sends an event of this element to Python. Returns its clean-up. */
export function mount(element, _props, _watch, _base, trigger) {
  unmount?.();
  const stop = new AbortController();
  const { signal } = stop;

  const chosen = choices({
    send: ({ picture, model }) => trigger("submit", { ...picture, ...(model && { model }) }),
    working: (newer) => page.update({ choosing: { newer } }),
    settled() {
      page.update({ choosing: null });
      show();
    },
  });

  /** The list says the model that Python answered with last, and the example that it showed it looks chosen. */
  function show() {
    const { bench, example } = page.state.results[MAIN] ?? {};
    if (bench && models()) models().value = bench;
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
      if (target === models()) chosen.choose({ model: target.value });
    },
    { signal },
  );
  hearUploads(signal);
  const leave = page.subscribe((now, before) => {
    if (now.asked !== before.asked) chosen.choose(now.asked);
    if (now.gone !== before.gone && now.gone.explorer === MAIN) chosen.choose({}); // what is shown, made anew
    if (now.answers !== before.answers) chosen.answered();
    if (now.picture !== before.picture) show();
  });
  const { answers, asked } = page.state; // from before the scripts were here
  if (answers) chosen.answered();
  if (asked) chosen.choose(asked);
  return (unmount = () => {
    stop.abort();
    leave();
  });
}
