// The microscope: how one block makes a query, a key or a value, compares query and key, and gets a weight, as a moving picture.

import { say } from "../../shared/dom.js";
import { cellOf } from "../../shared/geometry.js";
import { held } from "../result.js";
import { comparedWords, entryWords, frameWords, overviewWords, rankWords, whyWords } from "../../words/inside.js";
import { phrase } from "../../words/phrase.js";
import { adds } from "./adds.js";
import { controls } from "./controls.js";
import { Inside } from "./inside.js";
import { linearScene } from "./linear_scene.js";
import { normScene } from "./norm_scene.js";
import { overview } from "./overview.js";
import { player } from "./player.js";
import { pointing } from "./pointing.js";
import { scoreScene } from "./score_scene.js";
import { softmaxScene } from "./softmax_scene.js";
import { SCENES, scenesOf } from "./timeline.js";
import { look } from "./view.js";
import { windowScene } from "./window_scene.js";

const WIDE = 690; // pixels in which the window, its products and their sum stand side by side
const QUIET = 600; // ms without a step before its sentence is announced

/**
 * Connects the panel's elements.
 * @param {import("../explorer.js").Explorer} explorer
 */
export function insidePanel(explorer, ref, signal) {
  const invalidate = () => explorer.invalidate();
  const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");
  const plays = player({ still: () => reduced.matches, later: (work, wait) => explorer.life.later(work, wait), changed: stepped });
  const points = pointing(ref.insideStage, invalidate, signal);
  const scenes = {
    window: windowScene(),
    norm: normScene(),
    linear: linearScene(),
    score: scoreScene({ point: points.point, entry: (index) => explorer.set({ output: index + 1 }), resized: invalidate, signal }),
    softmax: softmaxScene({ point: points.point, key: choose, resized: invalidate, signal }),
  };
  ref.insideScenes.replaceChildren(...SCENES.map((each) => scenes[each].element));
  const sheets = overview(ref.insideOverview);
  const steps = controls(explorer, ref, plays, { still: () => reduced.matches, signal });
  const norms = adds(explorer, ref, signal);
  let chosen = /** @type {{ of: string, place: number } | null} */ (null);
  let quiet = () => {};
  let sentence = "";
  reduced.addEventListener("change", invalidate, { signal });

  /** Whether the microscope is open and can be seen. */
  const isOpen = () => explorer.open === "inside";
  let room = 0; // pixels from side to side; asking while drawing would lay the page out once more
  const watcher = new ResizeObserver(([{ contentRect }]) => {
    if (!contentRect.width || contentRect.width === room) return; // hidden, or as before
    room = contentRect.width;
    ref.insideBody.dataset.room = room >= WIDE ? "wide" : "small";
    ref.insideBody.style.setProperty("--room", `${room}px`);
    invalidate();
  });
  watcher.observe(ref.insideBody);
  signal.addEventListener("abort", () => watcher.disconnect());

  /** Compares with the key at this place (−1: the cls token's), until another stage is chosen. */
  function choose(place) {
    chosen = { of: `${explorer.result.key} ${explorer.state.stage}`, place };
    invalidate();
  }

  /** Another frame is shown: drawn, and once it stands still, announced. */
  function stepped() {
    points.point(null);
    invalidate();
    quiet();
    quiet = explorer.life.later(() => isOpen() && say(ref.insideLive, sentence), QUIET);
  }

  /** The chosen block's inside, null while it is fetched, or the error that prevented it. */
  function opened() {
    const { result, state } = explorer;
    const id = `${state.stage}/${state.blocks[state.stage]}`;
    if (!result.insides.has(id)) {
      result.insides.set(id, null);
      Promise.resolve(result.source?.inside?.(result.key, state.stage, state.blocks[state.stage]))
        .then((buffer) => result.insides.set(id, new Inside(held(buffer))))
        .catch((error) => {
          result.insides.set(id, error);
          if (explorer.result === result)
            explorer.notice.trouble(error, () => (result.insides.delete(id), explorer.notice.say(""), explorer.invalidate()));
        })
        .finally(invalidate);
    }
    return result.insides.get(id);
  }

  function draw() {
    const { state, result } = explorer;
    say(ref.insideTitle, phrase("inside_title", { block: state.blocks[state.stage] + 1, stage: state.stage + 1 }));
    if (!isOpen()) return plays.stop();
    const inside = opened();
    ref.insideBody.hidden = !(inside instanceof Inside);
    if (inside instanceof Error) return say(ref.insideWords, inside.message);
    if (!inside) return say(ref.insideWords, phrase("inside_loading"));
    const stage = result.stages[state.stage];
    const key = chosen?.of === `${result.key} ${state.stage}` ? chosen.place : null;
    const found = look(inside, result, state, key);
    const { frames, frame } = plays.follow(found);
    const lit = points.pointed ?? frame.part ?? null;
    const keyAt = (place) => cellOf(stage.key, place);
    const words = {
      ...overviewWords(found),
      entry: phrase("linear_entry", { entry: found.entry + 1 }),
      compared: comparedWords(found),
      entryOf: (index) => entryWords(found, index),
      rankOf: (rank) => rankWords(found, rank, keyAt),
    };
    say(ref.insideWords, whyWords(found));
    steps.draw(found, frame, scenesOf(found));
    sheets.draw({ found, frame, result, stage, room, smooth: state.smooth, words });
    for (const each of SCENES) scenes[each].element.toggleAttribute("data-shown", each === frame.scene);
    scenes[frame.scene].draw({ found, frames, frame, lit, words });
    points.light(lit);
    sentence = said(found, frames, frame, words);
    say(ref.insideSentence, sentence);
    norms.draw(inside);
  }

  /** The sentence of what is pointed at, or else of the step. */
  function said(found, frames, frame, words) {
    const { pointed } = points;
    const [, kind, digits] = /^([wek])(\d+)$/.exec(pointed ?? "") ?? [];
    const index = Number(digits);
    if (kind === "k") return words.rankOf(index);
    if (kind === "e") return words.entryOf(index);
    if (kind === "w") return frameWords(found, { scene: "window", name: "term", index, column: frame.column });
    const other = pointed && frames.find((each) => each.scene === frame.scene && each.part === pointed);
    return frameWords(found, other || frame);
  }

  return { draw, playing: plays.playing };
}
