// The controls of the whole model: questions to start from, number of stages, input, weights and their seed.

import { make, say } from "../shared/dom.js";
import { page } from "../shared/page.js";
import { alike, initial, withCount } from "./architecture.js";
import { sides } from "../words/format.js";
import { phrase } from "../words/phrase.js";

const button = (kind, attributes, text, onclick) => make("button", { type: "button", class: kind, ...attributes, text, onclick });

/**
 * Connects the controls; `build` makes those that depend on the model, `reflect` shows the state.
 * @param {import("./laboratory.js").Laboratory} laboratory
 */
export function whole(laboratory, ref, { signal }) {
  const change = (changes) => laboratory.change({ ...laboratory.state, ...changes });
  const hear = (element, type, listener) => element.addEventListener(type, listener, { signal });

  function build() {
    const { presets, stages, sides } = laboratory.about;
    const questions = presets.filter(({ question }) => question);
    ref.presets.replaceChildren(
      ...questions.map((each) => button("cvt-question", { "data-preset": each.name }, each.question, () => laboratory.start(each))),
    );
    const counts = Array.from({ length: stages }, (_, index) => index + 1);
    ref.counts.replaceChildren(
      ...counts.map((count) =>
        button("", { "data-count": count, "aria-label": phrase("stages", { count }) }, `${count}`, () =>
          laboratory.change(withCount(laboratory.state, count, laboratory.about)),
        ),
      ),
    );
    ref.side.max = sides.length - 1;
  }

  function reflect() {
    const { about, state } = laboratory;
    const press = (group, pressed) =>
      Array.from(group.children).forEach((each) => each.setAttribute("aria-pressed", pressed(each.dataset)));
    const preset = about.presets.find((each) => alike(state, each));
    press(ref.counts, ({ count }) => Number(count) === state.stages.length);
    press(ref.weights, ({ value }) => value === state.weights);
    const started = page.state.ablation ? null : preset;
    press(ref.presets, (each) => each.preset === started?.name);
    say(ref.presetNote, started?.question ? started.note : "");
    ref.side.value = about.sides.indexOf(state.side);
    ref.side.setAttribute("aria-valuetext", phrase("pixels", { size: state.side }));
    say(ref.sideValue, sides([state.side, state.side]));
    if (document.activeElement !== ref.seed) ref.seed.value = state.seed;
    ref.reset.disabled = alike(state, initial(about));
  }

  hear(ref.side, "input", () => change({ side: laboratory.about.sides[Number(ref.side.value)] }));
  hear(ref.reset, "click", () => change({ stages: initial(laboratory.about).stages, side: laboratory.about.base.side }));
  hear(ref.seed, "change", () => change({ seed: Math.min(2 ** 31 - 1, Math.max(0, Math.round(Number(ref.seed.value)) || 0)) }));
  for (const each of ref.weights.children) hear(each, "click", () => change({ weights: each.dataset.value }));
  return { build, reflect };
}
