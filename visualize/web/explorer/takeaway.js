// The buttons below the panels: picture, numbers, code.

import { code } from "./code.js";
import { say } from "../shared/dom.js";
import { copy, save } from "../shared/download.js";
import { archive, archived, png } from "./export.js";
import { channelOf, queryOf } from "./views.js";

/** Connects the buttons; returns what keeps the code in step with the view. */
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
    say(ref.saveNumbers, held === all ? "Save all numbers as .npz" : `Save the numbers loaded, ${held} of ${all} blocks, as .npz`);
    if (!ref.codePart.open) return;
    const { result, state } = explorer;
    const { cell, keyCell, cls } = queryOf(result.stages[state.stage], state);
    const shown = state.layer === "attention" && state.view === "received" ? keyCell : cell;
    const { stages, header: { evidence } } = result;
    say(ref.code, code({ state, stages, model: explorer.value.model, cell: shown, cls, channel: channelOf(result, state, state.stage), evidence }));
  }
  ref.codePart.addEventListener("toggle", () => explorer.invalidate(), { signal });
  return { draw };
}
