// What screen readers are told: the finding once nothing has changed for a while, a new picture's class, and that a token is held.

import { say } from "../shared/dom.js";
import { plain } from "../shared/terms.js";
import { queryOf } from "./views.js";
import { place } from "../words/explorer.js";
import { announced } from "../words/findings.js";
import { phrase } from "../words/phrase.js";

const QUIET = 600; // ms without a change

/**
 * Connects the live region.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function announcer(explorer, ref, signal) {
  let timer = 0;
  let told = /** @type {{ result: object | null, held: string | null }} */ ({ result: null, held: null });
  signal.addEventListener("abort", () => clearTimeout(timer));

  /** Announces the explorer's finding; `shown`: the choices that it describes. */
  function tell(shown) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const { result } = explorer;
      ref.picture.setAttribute("aria-description", plain(`${explorer.finding.headline} ${explorer.finding.detail}`));
      const finding = plain(explorer.finding.headline);
      const held = shown.pinned ? place(queryOf(result.stages[shown.stage], shown).cell) : null;
      const { top, classes } = result.header;
      if (told.result !== result) say(ref.live, announced(top, classes, finding));
      else if (held && held !== told.held) say(ref.live, phrase("held", { place: held, finding }));
      else say(ref.live, finding);
      told = { result, held };
    }, QUIET);
  }

  return { tell };
}
