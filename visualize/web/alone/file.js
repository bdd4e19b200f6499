// The page of one file: an explorer whose data is in the page, and what was measured in "Break it".

import { mount } from "../explorer/mount.js";
import { fitted } from "../explorer/state.js";
import { refs, say } from "../shared/dom.js";
import { modelWords } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";
import { measured } from "./measured.js";
import { Absent, blockWords } from "./absent.js";
import { unpacked } from "./unpack.js";

const RESULT = "result"; // names of what is packed; the inside of a block is "inside/<stage>/<block>"

/**
 * @typedef {object} About what the page is of
 * @property {object} value of the result, as `Explorer.load` takes it
 * @property {object} state choices to open with, as in explorer/state.js; those that are absent are the usual ones
 * @property {string[]} insides the places whose inside is here, "<stage>/<block>" from 0
 * @property {number} held blocks whose attention is here; `all`: of all
 * @property {number} all
 * @property {?import("../breaking/knock/made.js").Made} made
 */

/** The data of the page as an explorer's source. */
function source({ insides }) {
  return {
    result: () => unpacked(RESULT),
    block: async (_key, stage, block) => {
      throw new Absent("file_no_block", { stage: stage + 1, block: block + 1 });
    },
    ...(insides.length && {
      async inside(_key, stage, block) {
        const found = await unpacked(`inside/${stage}/${block}`);
        if (found) return found;
        throw new Absent("file_no_inside", { blocks: blockWords(insides), stage: stage + 1, block: block + 1 });
      },
    }),
  };
}

/** Light or dark, as the system is; always light on paper. */
function follow(dark) {
  const set = () => document.documentElement.classList.toggle("dark", dark.matches);
  dark.addEventListener("change", set);
  set();
}

/** What the heading says: the model, where it is from, and the picture. */
function head(ref, value) {
  const { model, source: from, example } = value;
  const shown = model && modelWords(value);
  const picture = example ? phrase("file_example", { picture: example.replaceAll("_", " ") }) : phrase("file_picture");
  document.title = phrase("file_title", { model: shown ?? phrase("file_a_model"), picture });
  say(ref.title, document.title);
  say(ref.hint, phrase(matchMedia("(hover: none)").matches ? "file_hint_touch" : "file_hint"));
  const origin = shown && from && from !== model ? phrase("file_source", { model: shown, source: from }) : (shown ?? from);
  say(ref.about, [...(origin ? [phrase("file_model", { model: origin })] : []), phrase("file_about")].join(" "));
}

/** Shows the page. */
export async function start() {
  follow(matchMedia("screen and (prefers-color-scheme: dark)"));
  const ref = refs(document.body);
  try {
    /** @type {About} */
    const about = JSON.parse(/** @type {HTMLScriptElement} */ (document.querySelector("script[data-about]")).text);
    const { value, state, made, held, all } = about;
    const notes = [...(value.notes ?? []), ...(held < all ? [phrase("file_blocks", { held, all })] : [])];
    head(ref, value);
    const part = (name) => /** @type {HTMLElement} */ (document.querySelector(`[data-part="${name}"]`));
    mount(
      { picture: part("picture"), panels: part("panels") },
      {
        source: source(about),
        value: { ...value, notes, key: RESULT },
        shown(explorer) {
          const usual = explorer.state;
          explorer.set(fitted(state, usual));
          try {
            explorer.draw();
          } catch {
            explorer.set(usual); // the choices are of another model
          }
          if (made) measured(ref.made, made, explorer);
        },
      },
    );
  } catch (error) {
    say(ref.hint, phrase("file_broken", { problem: error.message }));
  }
}
