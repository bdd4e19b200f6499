// One question of a step: its text, a way to answer, the answer's grade, and what the model found.

import { grade, gradable } from "./grade.js";
import { ASKS } from "./asks/asks.js";
import { MEASURES } from "./measures/measures.js";
import { make, say } from "../shared/dom.js";
import { NeedsServer } from "../shared/http.js";
import { rich } from "../shared/terms.js";
import { gapWords, marked } from "../words/lesson.js";
import { phrase } from "../words/phrase.js";

/**
 * A choice among a lesson's own options, of which it knows the right one.
 * @returns {any} as a measure
 */
const own = ({ options, right }) => ({
  options: () => options.map((text, index) => ({ value: String(index + 1), text })),
  truth: async () => ({ value: String(right), sentence: "" }),
});

const WHOLE = 0.995; // of the score: what is right without being off by anything

/** Why a measure cannot be asked here; null if it can. */
async function impossibility(measure, parameters, context) {
  try {
    return (await measure.possible?.(parameters, context)) ?? null;
  } catch (error) {
    if (error instanceof NeedsServer) return error.message;
    throw error;
  }
}

/** What is said first of a grade. */
const verdict = ({ right, score }) => (!right ? "lesson_wrong" : score < WHOLE ? "lesson_close" : "lesson_right");

/**
 * Asks it. Resolves to null if it cannot be asked, once it has said why; else to { focus, destroy }, and `answered` is called with the
 * grade and the truth.
 * @param {HTMLElement} root
 * @param {any} ask as the lesson has it
 * @param {any} context
 * @param {{ answered: (answer: { value: any, right: boolean, score: number, shape?: number[] },
 *   truth: import("./grade.js").Truth) => Promise<void> | void,
 *   passed: () => Promise<void> | void, working: (busy: boolean) => void, failed: (sentence: string) => void,
 *   onward: (result: HTMLElement, held: boolean) => void }} told
 *   `passed`: nothing here can find the truth, which is said; `onward`: the result is said; `held`: the focus was in what is gone now
 */
export async function question(root, ask, context, told) {
  const measure = ask.measure ? MEASURES[ask.measure.name] : own(ask);
  const { measure: parameters = {} } = ask;
  const text = make("p", { class: "cvt-lesson-question", tabindex: "-1" });
  rich(text, marked(ask.text));
  const [body, result] = [make("div"), make("div", { class: "cvt-lesson-result", "aria-live": "polite" })];
  const send = make("button", { type: "button", class: "cvt-toggle cvt-lesson-answer", text: phrase("lesson_answer"), disabled: true });
  const show = make("button", { type: "button", class: "cvt-toggle", text: phrase("lesson_show") });
  const ways = make("div", { class: "cvt-row" }, send, show);
  root.replaceChildren(text, body, result, ways);

  const impossible = await impossibility(measure, parameters, context);
  if (context.signal.aborted) return null;
  if (impossible !== null) {
    ways.remove();
    say(result, impossible);
    return null;
  }
  const [options, scale, grid] = await Promise.all(["options", "scale", "grid"].map((name) => measure[name]?.(parameters, context)));
  if (context.signal.aborted) return null;

  let value = /** @type {any} */ (null);
  let busy = false;
  const changed = (now) => {
    value = now;
    send.disabled = busy || value === null;
  };
  const mounted = ASKS[ask.kind](body, { name: ask.text, ask, context, options, scale, grid, changed, ready: () => send.focus() });

  async function answer(given) {
    if (busy) return;
    const held = root.contains(document.activeElement);
    busy = true;
    told.working(true);
    [send.disabled, show.disabled, body.inert] = [true, true, true]; // what is graded is what was sent
    try {
      const truth = await measure.truth(parameters, context);
      if (context.signal.aborted) return;
      const found = grade(ask, given, truth, scale ?? null);
      ways.remove();
      body.inert = false;
      if (gradable(truth)) mounted.reveal(truth, found, given);
      const { right, score } = found;
      await told.answered({ value: given, right, score, ...(grid && { shape: grid.shape }) }, truth);
      if (context.signal.aborted) return;
      tell(given, truth, found);
      told.onward(result, held);
    } catch (error) {
      if (error.name === "AbortError" || context.signal.aborted) return;
      if (error instanceof NeedsServer) {
        ways.remove();
        say(result, error.message);
        return told.passed();
      }
      [busy, show.disabled, body.inert] = [false, false, false];
      changed(value); // so that it can be tried again
      told.failed(error.message);
    } finally {
      if (!context.signal.aborted) told.working(false);
    }
  }

  function tell(given, truth, found) {
    const graded = given !== null && gradable(truth);
    const texts = [gradable(truth) ? gapWords(ask, given, truth, found, scale) : "", truth.sentence, truth.source ?? ""].filter(Boolean);
    result.toggleAttribute("data-right", graded && found.right);
    result.toggleAttribute("data-wrong", graded && !found.right);
    result.replaceChildren(
      ...(graded ? [make("b", { text: phrase(verdict(found)) })] : []),
      ...texts.map((each) => {
        const line = make("p");
        rich(line, each);
        return line;
      }),
    );
  }

  send.addEventListener("click", () => answer(value));
  show.addEventListener("click", () => answer(null));
  return mounted;
}
