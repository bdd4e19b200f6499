// The line over the picture: what is pending, what failed, and a remedy; and the notes below it, on how it was prepared.

import { make } from "../shared/dom.js";
import { Gone } from "./result.js";
import { phrase } from "../words/phrase.js";

const SOON = 400; // ms; an answer within this time is not announced
const PATIENCE = 60_000; // ms after which a repeated request is given up

/**
 * Connects the line of an explorer.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function notice(explorer, ref) {
  const { message, frame } = ref;
  let [announcing, patience, renewing] = [0, 0, false];
  let awaited = false; // whether the line says that a result is pending
  let noted = [];

  /**
   * Shows `words`, with a button for `again` if given; empty words hide the line.
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

  /** Says that the server is working, unless it is quick; at once if a newer choice replaced the pending one. */
  function awaits(working, newer = false) {
    clearTimeout(announcing);
    if (newer) announce(phrase("newer"));
    else if (working) announcing = setTimeout(announce, SOON, phrase("working"));
    else if (renewing) unanswered();
    else if (awaited) say("");
  }

  /** Says what failed, with a button: retry, unless that is of no use, or recompute if the result is no longer stored. */
  function trouble(error, again) {
    if (!(error instanceof Gone)) say(error.message, false, error.final ? undefined : again);
    else if (!explorer.host.renew) say(phrase("lost"));
    else say(phrase("gone"), false, renew, phrase("renew"));
  }

  /** Asks the host to recompute the result; it gets another key. */
  function renew() {
    announce(phrase("working"));
    clearTimeout(patience);
    renewing = true;
    patience = setTimeout(() => say(phrase("unanswered")), PATIENCE);
    explorer.host.renew?.();
  }

  /** The requested result does not come: it can be requested again. */
  function unanswered() {
    if (!renewing) return;
    stop();
    say(phrase("gone"), false, renew, phrase("renew"));
  }

  /** Shows the notes below the picture. Their element always exists, so that screen readers announce changes. */
  function done(sentences) {
    if (sentences.join("\n") === noted.join("\n")) return;
    noted = sentences;
    ref.notes.replaceChildren(...sentences.map((text) => make("p", { text })));
  }

  /** Nothing is pending any more. */
  function stop() {
    clearTimeout(announcing);
    clearTimeout(patience);
    renewing = false;
  }

  return { say, awaits, done, trouble, unanswered, stop };
}
