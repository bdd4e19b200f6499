// The tab's list: each lesson with its length, what is done of it, and a way into it.

import { make, say } from "../shared/dom.js";
import { lengthWords, progressWords } from "../words/lesson.js";
import { phrase } from "../words/phrase.js";
import { forget, progressOf } from "./progress.js";

const yoursButton = ({ name, title }) =>
  make("button", {
    type: "button",
    class: "cvt-toggle",
    "data-yours": name,
    text: phrase("class_open_yours"),
    "aria-label": phrase("class_yours", { title }),
  });

/**
 * `show` takes the server's list, `draw` shows the progress anew, `problem` says what went wrong. `begin` is called with a lesson's name
 * in a link and a step.
 * @param {Object<string, any>} ref
 * @param {AbortSignal} signal
 * @param {(link: string, step: number) => void} begin
 */
export function lessonList(ref, signal, begin) {
  let lessons = /** @type {any[]} */ ([]);

  function row(lesson) {
    const { name, title, steps } = lesson;
    const progress = progressOf(lesson);
    const { step, done, answers } = progress;
    const started = step > 0;
    const whole = done.length === steps.length;
    const button = (key, at, anew) =>
      make("button", {
        type: "button",
        class: "cvt-toggle",
        "data-begin": name,
        "data-step": at,
        "data-anew": anew,
        text: phrase(key),
        "aria-label": `${phrase(key)}: ${title}`,
      });
    return make(
      "li",
      { "data-lesson-name": name, "data-done": whole },
      make("h3", { text: title }),
      make("p", { class: "cvt-sub", text: lengthWords(lesson) }),
      make(
        "p",
        { class: "cvt-lesson-progress", style: `--share:${done.length / steps.length}` },
        make("i"),
        progressWords(lesson, progress),
      ),
      make(
        "div",
        { class: "cvt-row" },
        ...(started && !whole ? [button("lesson_resume", step, false)] : []),
        button(started ? "lesson_again" : "lesson_begin", 1, started),
        ...(Object.keys(answers).length ? [yoursButton(lesson)] : []),
      ),
    );
  }

  function draw() {
    const focused = /** @type {?HTMLElement} */ (document.activeElement)?.dataset.begin;
    ref.list.replaceChildren(...lessons.map(row));
    if (focused) ref.list.querySelector(`[data-begin="${focused}"]`)?.focus();
  }

  function problem(sentence) {
    say(ref.listProblem, sentence);
    ref.listProblem.hidden = !sentence;
  }

  ref.list.addEventListener(
    "click",
    ({ target }) => {
      const { begin: name, step, anew } = target.dataset;
      if (!name) return;
      if (anew !== undefined) forget(lessons.find((each) => each.name === name));
      begin(name, Number(step));
    },
    { signal },
  );
  return {
    show(found) {
      if (lessons === found.lessons) return;
      lessons = found.lessons;
      if (found.problems.length)
        problem(found.problems.map(({ file, error }) => phrase("lesson_unreadable", { name: file, problem: error })).join(" "));
      draw();
    },
    draw,
    problem,
  };
}
