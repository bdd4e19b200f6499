// Exports the variant as config.json, as Python code, and as a saved model.

import { copy, save } from "../shared/download.js";
import { say } from "../shared/dom.js";
import { question } from "./architecture.js";
import { ask, newest } from "../shared/http.js";
import { phrase } from "../words/phrase.js";

const QUIET = 400; // ms without a change before open texts are fetched again

/**
 * Connects buttons and texts; `draw` runs after a change. The texts are fetched only while one of them is open.
 * @param {import("./laboratory.js").Laboratory} laboratory
 */
export function takeaway(laboratory, ref, { signal, later }) {
  const texts = newest(`${laboratory.base}texts`, signal);
  const opened = [ref.config, ref.python].map((each) => each.closest("details"));
  let hold = () => {};
  const wanted = () => ({
    ...question(laboratory.state),
    weights: laboratory.state.weights,
    seed: laboratory.state.seed,
    model: laboratory.model,
  });
  const hear = (element, type, listener) => element.addEventListener(type, listener, { signal });

  async function fill() {
    try {
      const found = await texts(wanted());
      if (!found) return;
      say(ref.config, found.config);
      say(ref.python, found.python);
      say(ref.saveNote, found.note);
    } catch (error) {
      [ref.config, ref.python].forEach((each) => say(each, error.message));
    }
  }

  function draw() {
    hold();
    if (opened.some((each) => each.open)) hold = later(fill, QUIET);
  }

  opened.forEach((each) => hear(each, "toggle", () => each.open && fill()));
  for (const [button, text] of [
    [ref.copyConfig, ref.config],
    [ref.copyPython, ref.python],
  ])
    hear(button, "click", () => copy(button, text, signal));
  hear(ref.saveModel, "click", async () => {
    ref.saveModel.disabled = true;
    say(ref.saveNote, phrase("packing"));
    try {
      save(await ask(`${laboratory.base}model`, wanted(), signal, (found) => found.blob()), "cvt-variant.zip", signal);
      say(ref.saveNote, phrase("saved"));
    } catch (error) {
      say(ref.saveNote, error.message);
    }
    ref.saveModel.disabled = false;
  });
  return { draw };
}
