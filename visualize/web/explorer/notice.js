// The line over the picture: what is being waited for, what failed, and the way out; and those below it, on what was done to it.

import { make } from "../shared/dom.js";
import { Gone } from "./result.js";
import { phrase } from "../words/phrase.js";

const SOON = 400; // ms; an answer within that needs no announcement
const PATIENCE = 60_000; // ms after which a result that was asked for again is given up

/**
 * Connects the line of an explorer.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function notice(explorer, ref) {
  const { message, frame } = ref;
  let [announcing, patience, renewing] = [0, 0, false];
  let awaited = false; // whether the line says that a result is on its way
  let noted = [];

  /**
   * Says something, with a button that does `again` where there is one; empty words take the line away.
   * @param {string} words
   * @param {() => void} [again]
   */
  function say(words, busy = false, again = undefined, button = phrase("try_again")) {
    awaited = false;
    frame.setAttribute("aria-busy", busy);
    message.hidden = !words;
    message.replaceChildren(words);
    if (again) message.append(" ", make("button", { type: "button", class: "cvt-toggle", text: button, onclick: again }));
  }

  function announce(words) {
    say(words, true);
    awaited = true;
  }

  /** While the server works on the next result: says so, unless it is quick; at once where a newer choice took its place. */
  function awaits(working, newer = false) {
    clearTimeout(announcing);
    if (newer) announce(phrase("newer"));
    else if (working) announcing = setTimeout(announce, SOON, phrase("working"));
    else if (renewing) unanswered();
    else if (awaited) say("");
  }

  /** Says what failed, with a way out: the same once more, or, where the server has forgotten the result, a new one. */
  function trouble(error, again) {
    if (!(error instanceof Gone)) say(error.message, false, again);
    else if (!explorer.host.renew) say(phrase("lost"));
    else say(phrase("gone"), false, renew, phrase("renew"));
  }

  /** Asks the host for the result anew; it answers with another key. */
  function renew() {
    announce(phrase("working"));
    clearTimeout(patience);
    renewing = true;
    patience = setTimeout(() => say(phrase("unanswered")), PATIENCE);
    explorer.host.renew?.();
  }

  /** What was asked for anew does not come: it can be asked for again. */
  function unanswered() {
    if (!renewing) return;
    stop();
    say(phrase("gone"), false, renew, phrase("renew"));
  }

  /** Says below the picture what was done to it. That element is always there, so that screen readers hear of a change. */
  function done(sentences) {
    if (sentences.join("\n") === noted.join("\n")) return;
    noted = sentences;
    ref.notes.replaceChildren(...sentences.map((text) => make("p", { text })));
  }

  /** Nothing more is waited for. */
  function stop() {
    clearTimeout(announcing);
    clearTimeout(patience);
    renewing = false;
  }

  return { say, awaits, done, trouble, unanswered, stop };
}
