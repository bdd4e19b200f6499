// The line under the filmstrip: the file that is being sent, and what could not be shown. On another tab it lies over the page.

import { make, say } from "../shared/dom.js";
import { phrase } from "../words/phrase.js";

const SOON = 400; // ms; a file sent within this time is not announced

/**
 * @param {ReturnType<typeof import("../shared/life.js").life>} life
 * @param {() => ?HTMLElement} home the element under the filmstrip
 * @param {HTMLElement} above the element for what lies over the page
 * @param {() => void} cancel ends what is being sent
 */
export function answer({ signal, later }, home, above, cancel) {
  const problem = make("p", { class: "cvt-problem", role: "alert" });
  const doing = make("p", { role: "status" });
  const bar = make("progress", { max: 1, "aria-label": phrase("sent_share") });
  const stop = make("button", { type: "button", class: "cvt-toggle", text: phrase("cancel"), onclick: cancel });
  const close = make("button", { type: "button", class: "cvt-toggle", text: phrase("close"), onclick: () => refuse("") });
  const sending = make("div", { class: "cvt-sending" }, doing, bar, stop);
  const element = make("div", { class: "cvt cvt-answer" }, sending, make("div", { class: "cvt-refused" }, problem, close));
  let hold = () => {};
  sending.hidden = true;
  close.hidden = true;
  place(); // now, so that what is said later is announced
  signal.addEventListener("abort", () => element.remove());

  /** Puts the line where people look: under the filmstrip, unless that is on a tab that is not open. */
  function place() {
    const under = home();
    const here = Boolean(under?.parentElement?.getClientRects().length);
    const host = here && under ? under : above;
    if (element.parentElement !== host) under === host ? host.replaceChildren(element) : host.append(element);
    element.classList.toggle("cvt-floating", !here);
  }

  /** Says what could not be shown; empty text takes it back. */
  function refuse(text) {
    idle();
    place();
    say(problem, ""); // the same sentence again is news, too
    say(problem, text);
    close.hidden = !text;
    if (text) element.scrollIntoView({ block: "nearest" });
  }

  /** Says that a file is on its way, unless that is quick. */
  function send(name) {
    refuse("");
    bar.removeAttribute("value");
    hold = later(() => {
      place();
      say(doing, phrase("sending", { name }));
      sending.hidden = false;
    }, SOON);
  }

  function idle() {
    hold();
    sending.hidden = true;
    say(doing, "");
  }

  return { refuse, send, idle, progress: (share) => (bar.value = share) };
}
