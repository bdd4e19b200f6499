// The page without a server: what the host of the page with one does for the components, and who answers them.

import { page } from "../shared/page.js";
import { answerWith } from "../shared/http.js";
import { answers } from "./answers.js";
import { chosen, opened } from "./choosing.js";
import { leadElsewhere } from "./elsewhere.js";
import { keepOffline } from "./offline.js";
import { tabs } from "./tabs.js";

// each component's scripts, and the address below which it asks
const COMPONENTS = {
  about: [() => import("../about/main.js"), "about/"],
  share: [() => import("../share/main.js"), "laboratory/"],
  look: [() => import("../look/main.js"), "explorer/"],
  explorer: [() => import("../explorer/main.js"), "explorer/"],
  breaking: [() => import("../breaking/main.js"), "break/"],
  lesson: [() => import("../lesson/main.js"), "lessons/"],
};

/** Mounts an element's component, which gets and is told values as from any host. Resolves to what tells it one. */
async function mount(element, trigger = (/** @type {string} */ _event, /** @type {any} */ _asked) => {}) {
  const [load, base] = COMPONENTS[element.dataset.mount];
  const heard = [];
  const props = { value: /** @type {any} */ (null), live: true };
  const watch = (_, listener) => heard.push(listener);
  (await load()).mount(element, props, watch, base, trigger);
  return (value) => {
    props.value = value;
    heard.forEach((listener) => listener());
  };
}

async function start() {
  answerWith(answers);
  tabs((panel) => panel.querySelectorAll("[data-mount]").forEach((element) => mount(element)));
  leadElsewhere(document.querySelector("[data-server]"));
  const look = document.querySelector('[data-mount="look"]');
  const others = document.querySelectorAll('[data-mount]:not([data-mount="look"])');
  let tell = (/** @type {any} */ _value) => {};
  const answered = () => page.update({ answers: page.state.answers + 1 });
  const [told] = await Promise.all([
    mount(look, async (_, asked) => {
      const value = await chosen(asked);
      if (value) tell(value);
      answered();
    }),
    ...Array.from(others, (element) => mount(element)),
  ]);
  tell = told;
  tell(opened(location.search));
  answered();
  keepOffline();
}

start();
