// The line that says when the server does not answer, when it does again, and when many people wait for it.

import { make, say } from "../shared/dom.js";
import { hasServer } from "../shared/http.js";
import { MAIN, page } from "../shared/page.js";
import { presence } from "../shared/presence.js";
import { phrase } from "../words/phrase.js";

const SAID = 8000; // ms for which the good news are shown
const SOON = 1000; // ms of waiting after which the line is looked at
const FEW = 3; // requests that are hardly a line

/**
 * Watches the server. While it is away the page's choices wait; another server has none of this one's results, and computes what is shown.
 * @param {ReturnType<typeof import("../shared/life.js").life>} life
 * @param {Element} above the element for what lies over the page
 * @param {string} base the address below which the explorer's server answers
 */
export function server(life, above, base) {
  if (!hasServer()) return;
  const { signal, later } = life;
  const line = make("p", { class: "cvt cvt-server", role: "status" });
  above.append(line);
  signal.addEventListener("abort", () => line.remove());
  const news = lineOf(later, () => show());
  const crowd = lineOf(later, () => show());
  const show = () => say(line, news.text || crowd.text);
  const awaited = () => Boolean(page.state.choosing || page.state.running);
  let soon = () => {}; // cancels the look at the line

  function away() {
    news.say(phrase("server_away"));
    page.update({ away: true });
  }

  function back(anew) {
    news.say(phrase(anew ? "server_anew" : "server_back"), SAID);
    page.update({ away: false });
    if (anew && page.state.picture) page.update({ gone: { explorer: MAIN } });
  }

  /** How long the line is, while somebody waits in it. */
  function said({ line: length }) {
    page.update({ line: length });
    if (awaited() && length >= FEW) crowd.say(phrase("server_line", { line: length }));
  }

  const look = presence(`${base}heartbeat`, life, { away, back, said, awaited });
  const leave = page.subscribe((now, before) => {
    // a choice that the server did not even put into its line
    if (now.unheard !== before.unheard) look().then(() => crowd.say(phrase("server_full", { line: page.state.line }), SAID));
    if (now.doubts !== before.doubts) look(true);
    if (Boolean(now.choosing || now.running) === Boolean(before.choosing || before.running)) return;
    soon();
    crowd.say("");
    if (awaited()) soon = later(look, SOON);
  });
  signal.addEventListener("abort", leave);
}

/** A text that is said for so many ms, or until the next one. */
function lineOf(later, changed) {
  let hold = () => {};
  return {
    text: "",
    say(text, wait = 0) {
      hold();
      this.text = text;
      changed();
      if (wait) hold = later(() => this.say(""), wait);
    },
  };
}
