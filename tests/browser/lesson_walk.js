// What a walk through lessons asks of the page, in one call each: what is slow about driving a page is the number of calls.
(() => {
  const { page } = cvt;
  const slot = (name) => document.querySelector(`[data-lesson] [data-ref=${name}]`);
  const busy = () => document.querySelector("[data-lesson] [data-busy]");

  async function until(find) {
    for (let tries = 0; tries < 3000; tries++) {
      const found = find();
      if (found) return found;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`waited in vain for ${find} in ${JSON.stringify({ ...page.state.lesson, lesson: null })}`);
  }

  window.walk = {
    /** Once a question can be answered, or has said why not: its `reason`; what can be chosen, and what is shown. */
    question: (step, name) =>
      until(() => {
        const { lesson, picture, view } = page.state;
        if (lesson?.problem) throw new Error(lesson.problem);
        if (lesson?.step !== step || busy()) return null;
        const mounted = slot(name).querySelector(".cvt-lesson-question + div > *");
        const reason = slot(name).querySelector(".cvt-lesson-ways, .cvt-lesson-answer") ? "" : slot(name).textContent;
        if (!(mounted || reason)) return null;
        const { y, x, pinned } = ((page.state.tab === "break" && view.before) || view.main).state;
        const options = [...slot(name).querySelectorAll("[type=radio]")].map(({ value }) => value);
        const { min, max, step: by } = slot(name).querySelector("[type=range]") ?? {};
        return { reason, options, limits: [min, max, by].map(Number), key: picture.key, held: [y, x], pinned };
      }),

    /** Once a question is graded: the remembered answer, and whether the page says that it is right. */
    graded: (step, name) =>
      until(() => {
        const answer = page.state.lesson.answers[`${step}.${name}`];
        const result = slot(name).querySelector("[data-right], [data-wrong]");
        return answer && result && { ...answer, shown: result.hasAttribute("data-right"), text: result.textContent };
      }),

    /** Once a step is done. */
    seen: (step) =>
      until(() => {
        const { lesson } = page.state;
        if (lesson?.problem) throw new Error(lesson.problem);
        return lesson?.step === step && lesson.phase === "seen" && !busy();
      }),

    /** The middle of an element, or a point of it in shares of its sides, once it is in view and nothing lies over it. */
    spot: (selector, at = [0.5, 0.5], index = 0) =>
      until(() => {
        const element = document.querySelectorAll(selector)[index];
        if (!element?.checkVisibility() || element.disabled) return null;
        element.scrollIntoView({ block: "nearest" });
        const { left, top, width, height } = element.getBoundingClientRect();
        const [x, y] = [left + at[0] * width, top + at[1] * height];
        const hit = document.elementFromPoint(x, y);
        return hit && (element.contains(hit) || hit.closest("label") === element) ? [x, y] : null;
      }),

    focused: (selector) => Boolean(document.activeElement?.matches(selector)),
  };
})();
