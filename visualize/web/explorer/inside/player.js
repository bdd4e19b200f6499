// Where the microscope's steps stand: one frame of them, moved by buttons, by keys, or by time.

import { framesOf, indexOf } from "./timeline.js";

const WAITS = { term: 450, row: 450, slide: 700 }; // ms until the next frame; a sentence that says something new takes longer
const WAIT = 1600;

/**
 * `still`: whether nothing may move by itself; `later`: life.js's; `changed`: called when another frame is shown.
 * @param {{ still: () => boolean, later: (work: () => void, wait: number) => () => void, changed: () => void }} hears
 */
export function player({ still, later, changed }) {
  let at = /** @type {import("./timeline.js").Frame} */ ({ scene: "window", name: "sum" });
  let frames = [at];
  let cancel = /** @type {(() => void) | null} */ (null);

  /** The frames of what is shown now; the same frame of them stays. */
  function follow(found) {
    frames = framesOf(found);
    at = frames[indexOf(frames, at)];
    return { frames, frame: at };
  }

  function show(index) {
    at = frames[Math.min(frames.length - 1, Math.max(0, index))];
    changed();
  }

  function step(by) {
    stop();
    show(indexOf(frames, at) + by);
  }

  /** Opens a scene with all its numbers. */
  function open(scene) {
    stop();
    show(indexOf(frames, { scene, name: "" }));
  }

  function stop() {
    cancel?.();
    cancel = null;
  }

  /** Goes on after the time that this frame takes, until the last. */
  function wait() {
    const kind = /** @type {keyof typeof WAITS} */ (at.name.replace(/\d+$/, ""));
    cancel = later(() => {
      cancel = null;
      const next = indexOf(frames, at) + 1;
      if (next < frames.length) at = frames[next];
      if (next < frames.length - 1) wait();
      changed();
    }, WAITS[kind] ?? WAIT);
  }

  /** Plays on, from the beginning of the scene whose numbers are all there, or pauses. Where nothing may move, one step. */
  function play() {
    if (cancel) {
      stop();
      return changed();
    }
    if (still()) return step(1);
    const index = indexOf(frames, at);
    const last = frames[index + 1]?.scene !== at.scene;
    if (last) at = frames[frames.findIndex((each) => each.scene === at.scene)];
    wait();
    changed();
  }

  return { follow, step, open, play, stop, playing: () => cancel !== null };
}
