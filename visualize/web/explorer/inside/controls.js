// The microscope's controls: head, entry and channel, the scenes, and what plays and steps through them, by pointer and keys.

import { make, say, treeOf } from "../../shared/dom.js";
import { patch } from "../../shared/tree.js";
import { SCENES } from "./timeline.js";
import { withStageValue } from "../state.js";
import { sceneNames } from "../../words/inside.js";
import { phrase } from "../../words/phrase.js";

/**
 * Connects the controls; `draw` makes them show the choices.
 * @param {import("../explorer.js").Explorer} explorer
 * @param {ReturnType<typeof import("./player.js").player>} plays
 */
export function controls(explorer, ref, plays, { still, signal }) {
  const scenes = sceneNames().map((text, index) => make("button", { type: "button", text, onclick: () => plays.open(SCENES[index]) }));
  const button = (attributes, text) => make("button", { type: "button", class: "cvt-toggle", text, ...attributes });
  const back = button({ "aria-label": phrase("back_step"), onclick: () => plays.step(-1) }, "‹");
  const play = button({ class: "cvt-toggle cvt-play", onclick: () => plays.play() }, "");
  const next = button({ "aria-label": phrase("next_step"), onclick: () => plays.step(1) }, "›");
  ref.insideSteps.replaceChildren(...scenes);
  ref.insidePlayer.replaceChildren(back, play, next);
  say(ref.insideHeadName, phrase("inside_head"));
  say(ref.insideChannelName, phrase("inside_channel"));

  ref.insideHead.addEventListener("change", () => explorer.set(withStageValue(explorer.state, "heads", Number(ref.insideHead.value))), {
    signal,
  });
  ref.insideChannel.addEventListener(
    "change",
    () => {
      const channel = Math.round(Number(ref.insideChannel.value)) - 1;
      const { width } = explorer.result.stages[explorer.state.stage];
      explorer.set(withStageValue(explorer.state, "channels", Math.min(width - 1, Math.max(0, channel || 0))));
    },
    { signal },
  );

  ref.insideStage.addEventListener(
    "keydown",
    (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      const button = event.target.closest("button");
      const plain = !button || button.classList.contains("cvt-piece"); // Space presses other buttons
      if (!step && !(event.key === " " && plain)) return;
      event.preventDefault();
      event.stopPropagation(); // or the arrow keys would choose another button
      if (step) plays.step(step);
      else plays.play();
    },
    { signal },
  );

  /** @param {import("./view.js").Look} found */
  function draw(found, frame, there) {
    scenes.forEach((each, index) => {
      each.disabled = !there.includes(SCENES[index]);
      each.setAttribute("aria-pressed", String(SCENES[index] === frame.scene));
    });
    const playing = plays.playing();
    say(play, phrase(playing ? "pause" : "play"));
    play.hidden = still();
    ref.insideScenes.setAttribute("aria-label", phrase(still() ? "steps_still" : "steps_spoken"));
    ref.insideHeadPart.hidden = found.heads === 1;
    const options = Array.from({ length: found.heads }, (_, index) => ["option", { value: index }, `${index + 1}`]);
    patch(ref.insideHead, options);
    ref.insideHead.value = String(found.head);
    say(ref.insideEntryName, phrase("inside_entry", { dim: found.dim }));
    ref.output.max = found.dim;
    ref.insideChannel.max = found.channels;
    if (treeOf(ref.insideChannel).activeElement !== ref.insideChannel) ref.insideChannel.value = found.channel + 1;
  }

  return { draw };
}
