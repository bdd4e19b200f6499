// An explorer in a notebook cell: the view of the widget in visualize/alone/widget.py, as anywidget asks for it.
//
// It is in a shadow tree, so that its styles and those of the notebook, and of other cells, do not meet.

import { mount } from "../explorer/mount.js";
import { make } from "../shared/dom.js";
import { choices } from "./choices.js";
import { kernel } from "./kernel.js";
import { keepKeys } from "./keys.js";
import { followTheme } from "./theme.js";

export default { render };

/**
 * Shows the widget's picture in an element. Returns the clean-up.
 * @param {{ model: any, el: HTMLElement }} view
 */
function render({ model, el }) {
  const stop = new AbortController();
  const { signal } = stop;
  const host = make("div", { class: "cvt-notebook" });
  const row = make("div", { class: "cvt-notebook-row" });
  const surface = make("div", {}, make("div", { class: "cvt cvt-notebook-cell" }, row));
  // a template of this package: the text of people and models comes by _result and _payload
  row.append(...new DOMParser().parseFromString(model.get("_template"), "text/html").body.children);
  host.attachShadow({ mode: "open" }).append(make("style", { text: model.get("_styles") }), surface);
  followTheme((dark) => surface.classList.toggle("dark", dark), signal);
  keepKeys(host, signal);
  const [picture, panels] = row.children;
  const chosen = choices(model, signal);
  const unmount = mount({ picture, panels }, { ...kernel(model, signal), value: model.get("_result"), ...chosen });
  el.append(host);
  return () => {
    stop.abort();
    unmount();
    host.remove();
  };
}
