// The export buttons below the panels: picture, numbers, code.

import { code } from "./code.js";
import { say } from "../shared/dom.js";
import { copy, save } from "../shared/download.js";
import { archive, archived, png } from "./export.js";
import { LAYERS } from "./layers.js";
import { asShown } from "./state.js";
import { plain } from "../shared/terms.js";
import { modelWords } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";
import { channelOf, queryOf } from "./views.js";

const TOP = 5; // classes that explore shows by itself

/**
 * Connects the buttons; returns the function that updates the code.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function takeaway(explorer, ref, signal) {
  const hear = (element, listener) => element.addEventListener("click", () => explorer.result && listener(), { signal });
  const name = () => `cvt-stage${explorer.state.stage + 1}-block${explorer.state.blocks[explorer.state.stage] + 1}`;
  const names = () => {
    const { value } = explorer;
    return { model: modelWords(value), picture: value.example ?? phrase("own_picture") };
  };
  /** Saves a blob, and says what to do if that fails: a frame that may save nothing, as in a course's page, is not told. */
  const keep = (blob, file) => {
    save(blob, file, signal);
    say(ref.saveNote, window !== window.top && window.origin === "null" ? phrase("save_framed") : "");
  };
  hear(ref.savePng, async () => {
    const { headline, detail } = explorer.finding;
    const [picture, file] = [await png(explorer, plain(`${headline} ${detail} ${explorer.sentence}`)), `${name()}.png`];
    if (!signal.aborted) keep(picture, file);
  });
  ref.savePage.hidden = !explorer.host.saved;
  hear(ref.savePage, async () => {
    if (ref.savePage.ariaDisabled === "true") return; // it is being saved
    ref.savePage.ariaDisabled = "true";
    say(ref.saveNote, phrase("saving_page"));
    const file = `${name()}.html`;
    try {
      const found = await explorer.host.saved?.(explorer, signal);
      if (found && !signal.aborted) keep(found, file);
    } catch (error) {
      say(ref.saveNote, error.message);
    }
    ref.savePage.ariaDisabled = "false";
  });
  hear(ref.saveNumbers, () => keep(archive(explorer.result, names()), "cvt-exploration.npz"));
  hear(ref.copyCode, () => copy(ref.copyCode, ref.code, signal));

  function draw() {
    if (explorer.open !== "export") return;
    const [held, all] = archived(explorer.result);
    say(ref.saveNumbers, phrase(held === all ? "save_all" : "save_loaded", { held, all }));
    if (!ref.codePart.open) return;
    const { result } = explorer;
    const state = asShown(explorer.state);
    const {
      stages,
      header: { evidence },
    } = result;
    const { source, built, given, file, changed } = explorer.value;
    const also = state.layer === "class" && state.which >= TOP ? result.header.top[state.which].label : null;
    const about = { state, stages, source, built, given, file, also, changed, channel: channelOf(result, state, state.stage), evidence };
    say(ref.code, code(LAYERS[state.layer].code, { ...about, ...queryOf(stages[state.stage], state) }));
  }
  ref.codePart.addEventListener("toggle", () => explorer.invalidate(), { signal });
  return { draw };
}
