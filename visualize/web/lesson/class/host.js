// Class codes in the tab "Lessons": a person's own, and the view that reads many. Each is loaded when it is wanted.

import { page } from "../../shared/page.js";
import { progressOf } from "../progress.js";

/**
 * @param {Object<string, any>} ref the tab's elements: `list`, `yours`, `teach`, `teachers`
 * @param {AbortSignal} signal
 * @param {() => Promise<any[]>} lessons the page's
 */
export function classes(ref, signal, lessons) {
  const once = (load) => {
    let loaded = null;
    return () => (loaded ??= load());
  };
  const opened = once(async () => (await import("./yours.js")).yours(ref.yours, signal));
  const read = once(async () => (await import("./teachers.js")).teachers(ref.teachers, signal, lessons));

  async function show(lesson, answers) {
    const yours = await opened();
    if (!signal.aborted) yours.show(lesson, answers);
  }

  ref.list.addEventListener(
    "click",
    async ({ target }) => {
      const { yours: name } = target.dataset;
      const lesson = name && (await lessons()).find((each) => each.name === name);
      if (lesson) show(lesson, progressOf(lesson).answers);
    },
    { signal },
  );
  ref.teach.addEventListener("click", async () => (await read()).show(), { signal });
  const leave = page.subscribe((now, before) => {
    const { lesson, answers } = before.lesson ?? {};
    if (now.lesson || now.making || !lesson || !Object.keys(answers).length) return; // a lesson that is made is only tried
    show(lesson, answers);
  });
  signal.addEventListener("abort", leave);
}
