// What the model says of the picture, on the picture; and the most probable classes as bars.

import { make, say } from "../shared/dom.js";
import { firstName } from "../words/explorer.js";
import { percent } from "../words/format.js";
import { phrase } from "../words/phrase.js";

const LEAST = 0.01; // of the probability

/**
 * Connects the verdict and the bars; `build` runs for another result, `draw` for every change.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function verdict(explorer, ref) {
  function build() {
    const [first, second] = explorer.result.header.top;
    say(ref.verdictName, firstName(first.label));
    say(ref.verdictShare, percent(first.probability));
    // a second class that hardly counts is not worth a line
    const counts = second?.probability >= LEAST;
    say(ref.verdictNext, counts ? phrase("verdict_next", { label: firstName(second.label), share: percent(second.probability) }) : "");
    ref.classes.replaceChildren(
      ...explorer.result.header.top.map(({ label, probability }, which) =>
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
