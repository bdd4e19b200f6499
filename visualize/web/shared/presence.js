// Whether the server is there, and whether it is still the same one.

import { get } from "./http.js";

export const CALM = 20_000; // ms between two questions
export const SOON = 2_000; // ms until the next one while it does not answer, or somebody waits for it
const PATIENCE = 15_000; // ms for an answer

/**
 * Asks at an address, which gives { server }, a name that a server has from its start to its end, and what else it says.
 * @param {string} url
 * @param {{ signal: AbortSignal, later: (work: () => void, wait: number) => unknown }} life
 * @param {{ away: () => void, back: (anew: boolean) => void, said: (answer: any) => void, awaited: () => boolean }} told `away`: twice
 *   there was no answer; `back`: there is one again, or, `anew`, one of another server; `said`: takes each; `awaited`: whether somebody
 *   waits for the server. Returns a function that asks at once; given true, somebody else had no answer just now, which counts as one
 */
export function presence(url, { signal, later }, told) {
  let server = /** @type {?string} */ (null);
  let missed = 0;
  let asked = 0; // questions, of which only the newest counts

  async function answer() {
    try {
      return await get(url, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]));
    } catch {
      return null;
    }
  }

  async function look(unanswered = false) {
    const nth = ++asked;
    if (unanswered) missed ||= 1;
    const found = await answer();
    if (signal.aborted || nth !== asked) return;
    const name = found?.server ?? null;
    const away = missed > 1;
    missed = name === null ? missed + 1 : 0;
    if (missed > 1 && !away) told.away();
    if (name !== null) {
      const anew = server !== null && name !== server;
      server = name;
      told.said(found);
      if (away || anew) told.back(anew);
    }
    later(() => nth === asked && look(), missed || told.awaited() ? SOON : CALM);
  }

  addEventListener("online", () => void look(), { signal }); // such as a laptop that was opened
  look();
  return look;
}
