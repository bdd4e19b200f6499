// The stage that both explorers show. The one with more stages is told; the other is linked to it.

import { page, PAIR, updateEach } from "../shared/page.js";

const count = (view, id) => view[id]?.result.stages.length ?? 0;
const longer = (view) => PAIR.reduce((found, id) => (count(view, id) > count(view, found) ? id : found));

/** Shows a stage in both, as far as they have it. */
export function showStage(stage) {
  const { view } = page.state;
  const id = longer(view);
  if (!view[id]) return;
  const there = Math.min(stage, count(view, id) - 1);
  const { state } = view[id];
  if (state.stage !== there) updateEach("view", { [id]: { ...view[id], state: { ...state, stage: there, part: "stage" } } });
}

/** The stage that a person has opened in them, if it is another than `stage`; else `stage`. */
export function shownStage(stage) {
  const { view } = page.state;
  const id = longer(view);
  const there = view[id]?.state.stage ?? stage;
  return there === Math.min(stage, count(view, id) - 1) ? stage : there;
}

/** Whether one of them shows another result. */
export const otherResults = (now, before) => PAIR.some((id) => now[id]?.result !== before[id]?.result);
