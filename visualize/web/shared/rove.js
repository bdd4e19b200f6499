// Groups of buttons as one stop of the Tab key, in which arrow keys move. A group that takes the focus itself has its own way.

import { treeOf } from "./dom.js";

const GROUPS = "[role=group]:not([tabindex]),[role=toolbar]:not([tabindex])";

/** The buttons of a group that are there. */
const offered = (group) => Array.from(group.querySelectorAll("button")).filter((each) => !each.hidden);

const is = (name) => (each) => each.getAttribute(name) === "true";

/** Makes each group the Tab key's stop at its focused button, else at the pressed or current one, else at the first. */
export function rove(root) {
  for (const group of root.querySelectorAll(GROUPS)) {
    const buttons = offered(group);
    const focused = buttons.find((each) => each === treeOf(root).activeElement);
    const stop = focused ?? buttons.find(is("aria-pressed")) ?? buttons.find(is("aria-current")) ?? buttons[0];
    for (const each of buttons) {
      const index = each === stop ? 0 : -1;
      if (each.tabIndex !== index) each.tabIndex = index;
    }
  }
}

/** Moves the focus in a group by a key; in a role=group the button that is reached is also pressed. */
export function step(event) {
  const group = event.target.localName === "button" && event.target.closest("[role=group],[role=toolbar]");
  if (!group) return;
  const toolbar = group.getAttribute("role") === "toolbar";
  const buttons = offered(group);
  const at = buttons.indexOf(event.target);
  const places = { ArrowLeft: at - 1, ArrowRight: at + 1, ...(toolbar && { Home: 0, End: buttons.length - 1 }) };
  const next = buttons[places[event.key]];
  if (!next) return;
  event.preventDefault();
  next.focus();
  if (!toolbar) next.click();
}
