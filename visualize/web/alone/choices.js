// The choices of a notebook's view, in step with Python and with other views of the same widget; see visualize/alone/widget.py.

import { followed } from "../explorer/state.js";
import { queryOf } from "../explorer/views.js";

/** What is compared, so that nothing is sent while the pointer stays on a token. */
function essence(result, { y, x, ...state }) {
  const { cell } = queryOf(result.stages[state.stage], { ...state, y, x });
  return JSON.stringify([Object.entries(state).sort(), cell.index]);
}

/**
 * What the explorer's host does about choices.
 * @returns {Pick<import("../explorer/mount.js").Host, "ready" | "shown" | "chosen">}
 */
export function choices(model, signal) {
  let explorer = /** @type {import("../explorer/explorer.js").Explorer} */ (/** @type {any} */ (null));
  let applied = 0; // the count of Python's last choice that is shown

  const change = (state) => explorer.set(followed({ ...explorer.state, ...state }, explorer.result.input));
  const current = () => explorer.key === model.get("_asked").key;

  /** Shows what Python or another view chose since, if it is about this result. */
  function follow() {
    const [asked, chosen] = [model.get("_asked"), model.get("_chosen")];
    if (!explorer.state || !current()) return;
    const late = applied < asked.count;
    const first = !applied;
    applied = asked.count;
    if (chosen.count === asked.count) {
      if (essence(explorer.result, explorer.state) !== essence(explorer.result, { ...explorer.state, ...chosen.state }))
        change(chosen.state);
    } else if (late) change(first ? { ...chosen.state, ...asked.state } : asked.changes);
    publish();
  }

  /** Tells Python and other views what is shown. */
  function publish() {
    const { count, state } = model.get("_chosen");
    if (!current() || (count === applied && essence(explorer.result, state) === essence(explorer.result, explorer.state))) return;
    model.set("_chosen", { count: applied, state: explorer.state });
    model.save_changes();
  }

  const hear = (name, listener) => {
    model.on(name, listener);
    signal.addEventListener("abort", () => model.off(name, listener));
  };
  hear("change:_result", () => explorer.load(model.get("_result")));
  hear("change:_asked", follow);
  hear("change:_chosen", follow);

  return { ready: (each) => (explorer = each), shown: follow, chosen: publish };
}
