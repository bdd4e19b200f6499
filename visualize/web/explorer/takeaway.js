// The export buttons below the panels: picture, numbers, code.

import { code } from "./code.js";
import { say } from "../shared/dom.js";
import { copy, save } from "../shared/download.js";
import { archive, archived, png } from "./export.js";
import { LAYERS } from "./layers.js";
import { asShown } from "./state.js";
import { phrase } from "../words/phrase.js";
import { channelOf, queryOf } from "./views.js";

/**
 * Connects the buttons; returns the function that updates the code.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function takeaway(explorer, ref, signal) {
  const hear = (element, listener) => element.addEventListener("click", () => explorer.result && listener(), { signal });
  const name = () => `cvt-stage${explorer.state.stage + 1}-block${explorer.state.blocks[explorer.state.stage] + 1}`;
  hear(ref.savePng, async () => {
    const [picture, file] = [await png(explorer, explorer.sentence), `${name()}.png`];
    if (!signal.aborted) save(picture, file, signal);
  });
  hear(ref.saveNumbers, () => save(archive(explorer.result), "cvt-exploration.npz", signal));
  hear(ref.copyCode, () => copy(ref.copyCode, ref.code, signal));

  function draw() {
    const [held, all] = archived(explorer.result);
    say(ref.saveNumbers, phrase(held === all ? "save_all" : "save_loaded", { held, all }));
    if (!ref.codePart.open) return;
    const { result } = explorer;
    const state = asShown(explorer.state);
    const {
      stages,
      header: { evidence },
    } = result;
    const about = { state, stages, source: explorer.value.source, channel: channelOf(result, state, state.stage), evidence };
    say(ref.code, code(LAYERS[state.layer].code, { ...about, ...queryOf(stages[state.stage], state) }));
  }
  ref.codePart.addEventListener("toggle", () => explorer.invalidate(), { signal });
  return { draw };
}
