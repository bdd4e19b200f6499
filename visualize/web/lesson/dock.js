// A panel that stays while the tabs change: docked beside the page, or a sheet over its lower part that can be folded.

import { say } from "../shared/dom.js";
import { phrase } from "../words/phrase.js";

const DOCKED = "(min-width: 1200px)";
const LARGE = "(min-width: 1600px)";

/**
 * @param {HTMLElement} root the panel
 * @param {HTMLElement} handle the button that folds it
 * @param {AbortSignal} signal
 */
export function dock(root, handle, signal) {
  const [docked, large] = [DOCKED, LARGE].map((each) => matchMedia(each));
  const { documentElement: page } = document;

  handle.addEventListener("click", () => fold(handle.getAttribute("aria-expanded") === "true"), { signal });
  for (const each of [docked, large]) each.addEventListener("change", room, { signal });
  const watcher = new ResizeObserver(room);
  watcher.observe(root);
  signal.addEventListener("abort", () => {
    watcher.disconnect();
    close();
  });

  /** Px of the window's lower edge that the sheet covers. */
  const covered = () => (root.hidden || docked.matches ? 0 : root.getBoundingClientRect().height);

  /** Tells the styles where the panel is, so that the page leaves room for it. */
  function room() {
    if (root.hidden) return;
    page.dataset.cvtLesson = !docked.matches ? "sheet" : large.matches ? "dock large" : "dock";
    page.style.setProperty("--cvt-lesson-height", `${covered()}px`);
  }

  function fold(folded) {
    handle.setAttribute("aria-expanded", String(!folded));
    say(handle, phrase(folded ? "lesson_unfold" : "lesson_fold"));
    root.toggleAttribute("data-folded", folded);
    room();
  }

  function open() {
    root.hidden = false;
    room();
  }

  function close() {
    if (root.hidden) return;
    root.hidden = true;
    delete page.dataset.cvtLesson;
    page.style.removeProperty("--cvt-lesson-height");
  }

  return { open, close, fold, covered };
}
