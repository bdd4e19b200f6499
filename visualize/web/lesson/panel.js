// The running lesson's panel: its texts and buttons.

import { make, refs, say } from "../shared/dom.js";
import { rich } from "../shared/terms.js";
import { marked, placeWords } from "../words/lesson.js";
import { phrase } from "../words/phrase.js";
import { dock } from "./dock.js";

const GAP = 10; // px around what is brought into view

/**
 * @param {HTMLElement} root holds the template
 * @param {AbortSignal} signal
 * @param {{ back: () => void, next: () => void, leave: () => void }} ways
 */
export function panel(root, signal, ways) {
  const ref = refs(root);
  const { open, close, fold, covered } = dock(root, ref.fold, signal);
  for (const name of ["back", "next", "leave"]) ref[name].addEventListener("click", () => ways[name](), { signal });

  /** Shows a step's texts, and puts the focus on its heading. */
  function step({ title, steps }, at, done) {
    const { title: heading, say: text, do: action = "" } = steps[at - 1];
    open();
    fold(false);
    say(ref.name, title);
    say(ref.place, placeWords(at, steps.length));
    say(ref.heading, heading);
    rich(ref.say, marked(text));
    rich(ref.do, marked(action));
    clear();
    ref.back.disabled = at === 1;
    say(ref.next, phrase(at === steps.length ? "lesson_finish" : "lesson_next"));
    ref.next.removeAttribute("data-due");
    ref.steps.replaceChildren(
      ...steps.map((_, index) => make("i", { "data-done": done.includes(index + 1), "data-current": index + 1 === at })),
    );
    ref.body.scrollTop = 0;
    ref.heading.focus({ preventScroll: true });
  }

  /** Empties what was asked and answered. */
  function clear() {
    for (const each of [ref.ask, ref.after]) each.replaceChildren();
    problem("");
    status("");
  }

  /** Offers something in place of what was asked. */
  function offer(text, onclick) {
    clear();
    ref.ask.replaceChildren(make("div", { class: "cvt-row" }, make("button", { type: "button", class: "cvt-toggle", text, onclick })));
  }

  /** Brings a result into view; the focus that was in what is gone goes to what comes next: another question, or the next step. */
  function onward(result, held, asks) {
    const next = asks ? ref.after.querySelector(".cvt-lesson-question") : ref.next;
    if (held) next?.focus({ preventScroll: true });
    const [{ bottom }, { top }, { bottom: end }] = [next ?? result, result, ref.body].map((each) => each.getBoundingClientRect());
    if (bottom > end) ref.body.scrollTop += Math.min(bottom - end + GAP, top - ref.body.getBoundingClientRect().top - GAP);
  }

  function status(words, busy = false) {
    say(ref.status, words);
    ref.status.toggleAttribute("data-busy", busy);
  }

  function problem(sentence) {
    say(ref.problem, sentence);
    ref.problem.hidden = !sentence;
  }

  return {
    step,
    clear,
    offer,
    onward,
    status,
    problem,
    covered,
    close,
    slot: (name) => ref[name],
    /** The step is seen: what is next is the next step. */
    seen: () => ref.next.setAttribute("data-due", ""),
  };
}
