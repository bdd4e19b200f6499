// Running what was set: soon after the last change, through Gradio's queue, one run at a time; shown in two linked explorers.

import { say } from "../shared/dom.js";
import { ask } from "../shared/http.js";
import { page, PAIR, updateEach } from "../shared/page.js";
import { isBaseline, question } from "./architecture.js";
import { phrase } from "../words/phrase.js";

const PATIENCE = 120_000; // ms without a word of a run before it is given up
const QUIET = 700; // ms without a change before a run begins

/**
 * Connects status and cancel button. `changed`: another state; `ask`: it can be run; `cannot`: it cannot.
 * @param {import("./laboratory.js").Laboratory} laboratory
 */
export function runs(laboratory, ref, { signal, later }) {
  let current = null; // the run whose answer is awaited
  let [hold, patience] = [() => {}, () => {}]; // call off the run that is due, and the giving up of the one that runs
  let wish = null; // what should be run as soon as the tab is seen

  /** Has explorers of the pair show results, by their ids; one that could not be loaded is tried again. */
  const show = (values) => updateEach("results", Object.fromEntries(Object.entries(values).map(([id, value]) => [id, { ...value }])));
  const both = (value) => show(Object.fromEntries(PAIR.map((id) => [id, value])));
  const visible = () => laboratory.root.offsetParent !== null;
  /** Whether the first tab shows the baseline's result. */
  const shown = () => page.state.model === laboratory.model && Boolean(page.state.picture?.key);

  /** `more`: whether a button offers to run what is set. A focus whose button goes stays at what came of it. */
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

  /** A newer state: what runs is no longer wanted. */
  function changed() {
    hold();
    wish = null;
    ref.again.hidden = true;
    if (current) end();
    if (shown()) show({ baseline: page.state.picture }); // even where the variant cannot be run
  }

  function end(words = "", more = false) {
    const { run } = current;
    current = null;
    status(words, false, more);
    ask(`${laboratory.base}cancel`, { run }).catch(() => {}); // it ends by itself when nobody hears of it
  }

  /** The state cannot be run: what is shown is of an earlier one. */
  function cannot() {
    status(phrase(page.state.view.variant ? "run_impossible_kept" : "run_impossible"));
  }

  function wanted() {
    wish = laboratory.state;
    if (!visible()) return;
    hold();
    hold = later(begin, QUIET);
  }

  /** Runs what is set; the baseline only where it must be made `anew`, since the first tab has it. */
  function begin(anew = false) {
    const state = wish;
    wish = null;
    if (!state) return;
    if (current) end();
    if (!anew && shown() && isBaseline(state, laboratory.about)) {
      both(page.state.picture);
      return status(phrase("run_baseline"));
    }
    current = { run: runId() };
    status(phrase("run_waiting"), true);
    const { weights, seed } = state;
    laboratory.trigger("submit", { ...question(state), weights, seed, run: current.run, model: laboratory.model });
  }

  /** What Python says of a run: { run, words } on its way; at its end { run, baseline, variant, words } or { run, problem }. */
  function heard(value) {
    if (!value || value.run !== current?.run) return;
    if (value.problem) {
      current = null;
      return status(value.problem);
    }
    if (!value.variant) return status(value.words, true);
    current = null;
    show({ baseline: value.baseline, variant: value.variant });
    status(value.words);
  }

  /** A result is gone from the server: both are made anew. */
  function again() {
    wish = laboratory.state;
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

  // Another picture on the first tab, or this tab opened: the run that is due begins now.
  const leave = page.subscribe((now, before) => {
    if (now.picture !== before.picture) wanted();
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

/** A name for a run that nobody else can guess; also where the page is not served securely. */
export function runId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (each) => each.toString(16).padStart(2, "0")).join("");
}
