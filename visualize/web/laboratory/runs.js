// Runs the architecture, or the trained ablation, shortly after the last change, through Gradio's queue, one run at a time, and shows it
// in two linked explorers.

import { say } from "../shared/dom.js";
import { ask } from "../shared/http.js";
import { page, PAIR, shownNow, updateEach } from "../shared/page.js";
import { isBaseline, runQuestion } from "./architecture.js";
import { phrase } from "../words/phrase.js";

const PATIENCE = 120_000; // ms without a report from a run before it is given up
const QUIET = 700; // ms without a change before a run begins

/**
 * Connects status and cancel button. `changed`: another state; `ask`: it can be run; `cannot`: it cannot.
 * @param {import("./laboratory.js").Laboratory} laboratory
 */
export function runs(laboratory, ref, { signal, later }) {
  let current = null; // the pending run
  let [hold, patience] = [() => {}, () => {}]; // cancel the scheduled run, and the time limit of the current one
  let wish = null; // to run once the tab is visible

  /** Shows results in the two explorers, by their ids; one that could not be loaded is tried again. */
  const show = (values) => updateEach("results", Object.fromEntries(Object.entries(values).map(([id, value]) => [id, { ...value }])));
  const both = (value) => show(Object.fromEntries(PAIR.map((id) => [id, value])));
  const visible = () => laboratory.root.offsetParent !== null;
  /** Whether the first tab shows the baseline's result. */
  const shown = () => page.state.model === laboratory.model && Boolean(page.state.picture?.key);

  /** `more`: whether a button offers to run it. If the focused button disappears, the focus moves to the status. */
  function status(words, busy = false, more = false) {
    const held = [ref.cancel, ref.again].find((each) => each === document.activeElement);
    say(ref.status, words);
    ref.status.toggleAttribute("data-busy", busy);
    ref.cancel.hidden = !busy;
    ref.again.hidden = !more;
    if (held?.hidden) (busy ? ref.cancel : more ? ref.again : ref.status).focus();
    page.update({ running: busy });
    patience();
    if (busy) patience = later(lost, PATIENCE);
  }

  function lost() {
    current = null;
    status(phrase("run_lost"), false, true);
  }

  /** A newer state: the current run is obsolete. */
  function changed() {
    hold();
    wish = null;
    ref.again.hidden = true;
    if (current) end();
    if (shown() && !laboratory.ablation) show({ baseline: page.state.picture }); // even if the variant cannot be run
  }

  function end(words = "", more = false) {
    const { run } = current;
    current = null;
    status(words, false, more);
    ask(`${laboratory.base}cancel`, { run }).catch(() => {}); // it also ends by itself when nobody is waiting
  }

  /** The state cannot be run: an earlier one's result stays. */
  function cannot() {
    status(phrase(page.state.view.variant ? "run_impossible_kept" : "run_impossible"));
  }

  function wanted() {
    wish = laboratory.target;
    if (!visible()) return;
    hold();
    hold = later(begin, QUIET);
  }

  /** Runs the architecture; the baseline only if `anew`, since the first tab has its result. */
  function begin(anew = false) {
    const state = wish;
    if (!state || page.state.away) return; // it begins once the server answers
    wish = null;
    if (current) end();
    if (!anew && state === laboratory.state && shown() && isBaseline(state, laboratory.about)) {
      both(page.state.picture);
      laboratory.shown(state, "same");
      return status(phrase("run_baseline"));
    }
    current = { run: runId(), state };
    status(phrase("run_waiting"), true);
    laboratory.trigger("submit", { ...runQuestion(state, laboratory.model), run: current.run, now: shownNow() });
  }

  /** Handles Python's report on a run: { run, words } while running; finally { run, baseline, variant, words } or { run, problem }. */
  function heard(value) {
    if (!value || value.run !== current?.run) return;
    if (value.problem) {
      current = null;
      return status(value.problem);
    }
    if (!value.variant) return status(value.words, true);
    const { state } = current;
    current = null;
    show({ baseline: value.baseline, variant: value.variant });
    laboratory.shown(state, value.trained);
    status(value.words);
  }

  /** A result is no longer stored: both are recomputed. */
  function again() {
    wish = laboratory.target;
    begin(true);
  }

  ref.cancel.addEventListener(
    "click",
    () => {
      if (current) end(phrase("run_cancelled"), true);
    },
    { signal },
  );
  ref.again.addEventListener("click", again, { signal });

  // Another picture on the first tab, or this tab opened: the scheduled run begins now.
  const leave = page.subscribe((now, before) => {
    if (now.picture !== before.picture) wanted();
    if (before.away && !now.away && wish) wanted();
    if (now.gone !== before.gone && PAIR.includes(now.gone.explorer)) again();
  });
  const seen = new ResizeObserver(() => wish && visible() && wanted());
  seen.observe(laboratory.root);
  signal.addEventListener("abort", () => {
    if (current) end();
    seen.disconnect();
    leave();
  });

  return {
    changed,
    cannot,
    heard,
    ask: wanted,
    state: () => ({ running: Boolean(current), due: Boolean(wish) }),
  };
}

/** An unguessable run id; works without a secure context. */
export function runId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (each) => each.toString(16).padStart(2, "0")).join("");
}
