// A number: a slider and a field, which say the same. Revealed, both marks are drawn on one scale.

import { make } from "../../shared/dom.js";
import { numberWords, unitWords } from "../../words/lesson.js";
import { phrase } from "../../words/phrase.js";

const DIGITS = 6;

/** @type {import("./asks.js").Mount} */
export function mount(root, { name, scale, changed }) {
  const { least, most, step, unit } = scale;
  const limits = { min: least, max: most, step };
  const slider = make("input", { type: "range", ...limits, value: least, "aria-label": name });
  const field = make("input", { type: "number", ...limits, "aria-label": name, inputmode: "decimal" });
  const entry = make("label", { class: "cvt-lesson-field" }, field, make("span", { text: unitWords(unit) }));
  const ends = [least, most].map((value) => make("small", { text: numberWords(value, unit) }));
  const range = make("div", { class: "cvt-lesson-range" }, ends[0], slider, ends[1]);
  const element = make("div", { class: "cvt-lesson-number" }, range, entry);
  slider.toggleAttribute("data-untouched", true);

  function set(value) {
    slider.removeAttribute("data-untouched");
    changed(value);
  }
  slider.addEventListener("input", () => {
    field.value = slider.value;
    set(Number(slider.value));
  });
  field.addEventListener("input", () => {
    const value = field.value === "" ? NaN : Number(field.value);
    if (Number.isNaN(value)) return changed(null);
    slider.value = String(value);
    set(Math.min(most, Math.max(least, value)));
  });
  root.append(element);

  return {
    focus: () => field.focus(),

    reveal(truth, _grade, answer) {
      const place = (value) => (most > least ? Math.min(1, Math.max(0, (value - least) / (most - least))) : 0);
      const mark = (kind, value) =>
        make(
          "span",
          { class: "cvt-lesson-mark", [`data-${kind}`]: true, style: `--at:${Number(place(value).toPrecision(DIGITS))}` },
          make("i"),
          make("b", { text: phrase(kind === "true" ? "lesson_models" : "lesson_yours") }),
          numberWords(value, unit),
        );
      const marks = [...(answer === null ? [] : [mark("mine", answer)]), mark("true", truth.value)];
      element.replaceChildren(make("div", { class: "cvt-lesson-scale" }, make("div", { class: "cvt-lesson-axis" }, ...ends), ...marks));
    },

    destroy: () => element.remove(),
  };
}
