// Entry: the examples, and what a person has chosen. The page's host calls `mount`.

import { choices } from "./choices.js";

const explorer = () => window.cvtExplorer?.get("main");
const models = () => document.querySelector("#model-choice select");

/** Takes the element that holds the template; `trigger` sends an event of this element to Python. */
export function mount(element, _props, _watch, _base, trigger) {
  window.cvtChooser?.stop.abort();
  const stop = new AbortController();
  const { signal } = stop;

  const chosen = choices({
    send: ({ picture, model }) => trigger("submit", { ...picture, ...(model && { model }) }),
    working(newer) {
      explorer()?.turns.hold();
      explorer()?.notice?.awaits(true, newer);
    },
    settled() {
      explorer()?.turns.release();
      show();
    },
  });

  /** The list says the model that is shown, and the example that is shown looks chosen. */
  function show() {
    const { bench, example } = explorer()?.waiting ?? {};
    if (bench && models()) models().value = bench;
    for (const each of element.querySelectorAll("[data-example]")) {
      each.setAttribute("aria-current", each.dataset.example === example);
    }
  }

  /** Pictures that `JS_TAKES` has taken from the upload; the last one counts. */
  function take() {
    const file = window.cvtTaken?.splice(0).at(-1);
    if (file) chosen.choose({ picture: { own: file.path } });
  }

  element.addEventListener("click", ({ target }) => {
    const button = target.closest?.("[data-example]");
    if (button) chosen.choose({ picture: { example: button.dataset.example } });
  }, { signal });
  document.addEventListener("change", ({ target }) => {
    if (target === models()) chosen.choose({ model: target.value });
  }, { signal });
  document.addEventListener("cvt-explorer", ({ detail }) => {
    if (detail.id === "main" && detail.what === "shown") show();
  }, { signal });

  window.cvtChooser = { take, answered: chosen.answered, again: () => chosen.choose({}), stop };
  if (window.cvtOpened) chosen.answered();
  take();
}
