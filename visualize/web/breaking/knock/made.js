// What was measured in this visit, for the page that is saved of a result: kept by the result's key.

import { page } from "../../shared/page.js";

const RESULTS = 8; // of which it is kept: the newest ones
const OUTS = 6; // answers kept of each

/**
 * @typedef {{ off: string, how: string, answer: { label: string, before: object[], after: object[] } }} Out what was off, as in a link
 * @typedef {{ outs: Out[], importance: ?object }} Made
 */

/**
 * Keeps an answer: one with parts off, or what every part is worth.
 * @param {string} key
 * @param {{ out?: Out, importance?: object }} answer
 */
export function keep(key, { out, importance }) {
  const { [key]: before = { outs: [], importance: null }, ...others } = page.state.made;
  const again = (each) => each.off === out?.off && each.how === out?.how;
  const outs = out ? [...before.outs.filter((each) => !again(each)), out].slice(-OUTS) : before.outs;
  const entries = [...Object.entries(others), [key, { outs, importance: importance ?? before.importance }]];
  page.update({ made: Object.fromEntries(entries.slice(-RESULTS)) });
}
