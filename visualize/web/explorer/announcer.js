// What screen readers are told once nothing has changed for a while: the finding, where the token is if it moved or is held, a new
// picture's class. The picture's description has all of these.

import { say } from "../shared/dom.js";
import { plain } from "../shared/terms.js";
import { queryOf } from "./views.js";
import { place } from "../words/explorer.js";
import { announced, verdict } from "../words/findings.js";
import { sentences } from "../words/format.js";
import { phrase } from "../words/phrase.js";

const QUIET = 600; // ms without a change

/**
 * Connects the live region.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function announcer(explorer, ref, signal) {
  let timer = 0;
  let told = /** @type {{ result: object | null, at: string | null, held: boolean }} */ ({ result: null, at: null, held: false });
  signal.addEventListener("abort", () => clearTimeout(timer));

  /** Announces the explorer's finding; `shown`: the choices that it describes. */
  function tell(shown) {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const { result, finding } = explorer;
      const { top, classes } = result.header;
      const { cls, cell } = queryOf(result.stages[shown.stage], shown);
      const [headline, detail, held] = [plain(finding.headline), plain(finding.detail), Boolean(shown.pinned)];
      const at = place(cell);
      const where = cls ? phrase("told_cls") : phrase("told_place", { place: at });
      const sure = verdict([top[0]], classes).headline;
      ref.picture.setAttribute("aria-description", sentences(where, headline, detail, headline === sure ? "" : sure));
      if (told.result !== result) say(ref.live, announced(top, classes, headline));
      else if (held && !(told.held && told.at === at)) say(ref.live, phrase("held", { place: at, finding: headline }));
      else if (told.at !== at && !cls) say(ref.live, sentences(where, headline));
      else say(ref.live, headline);
      told = { result, at, held };
    }, QUIET);
  }

  return { tell };
}
