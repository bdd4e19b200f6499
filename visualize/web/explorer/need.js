// The chosen block's attention, which a payload may lack.

import { phrase } from "../words/phrase.js";

/**
 * Fetches the chosen block if the payload lacks it, as for large models.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function need(explorer) {
  const { result, state, notice } = explorer;
  const block = state.blocks[state.stage];
  const id = `${state.stage}.${block}`;
  if (result.block(state.stage, block) || result.asked.has(id) || result.failed.has(id)) return;
  notice.say(phrase("loading_block"), true);
  const mine = (then) => (outcome) => explorer.result === result && then(outcome);
  const again = () => {
    result.failed.delete(id);
    explorer.invalidate();
  };
  result
    .ask(state.stage, block)
    .then(mine(() => notice.say("")))
    .catch(mine((error) => notice.trouble(error, again)))
    .finally(mine(() => explorer.invalidate()));
}
