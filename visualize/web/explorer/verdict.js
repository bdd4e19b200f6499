// What the model says of the picture, on the picture; and the most probable classes as bars.

import { make, say } from "../shared/dom.js";
import { firstName, nextWords } from "../words/explorer.js";
import { percent } from "../words/format.js";

/**
 * Connects the verdict and the bars; `build` runs for another result, `draw` for every change.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function verdict(explorer, ref) {
  function build() {
    const { top } = explorer.result.header;
    const [first] = top;
    say(ref.verdictName, firstName(first.label));
    say(ref.verdictShare, percent(first.probability));
    say(ref.verdictNext, nextWords(top));
    ref.classes.replaceChildren(
      ...top.map(({ label, probability }, which) =>
        make(
          "button",
          { type: "button", class: "cvt-class", "data-which": which, title: label, onclick: () => explorer.choose(which) },
          make("span", { text: firstName(label) }),
          make("i", { style: `--share:${probability}` }),
          make("b", { text: percent(probability) }),
        ),
      ),
    );
  }

  function draw() {
    const { state } = explorer;
    ref.classes.hidden = state.layer !== "class" && state.part !== "classifier";
    ref.note.hidden = ref.classes.hidden || !explorer.value.note;
  }

  return { build, draw };
}
