// The page's lessons: the player, and the list in their tab.

import { refs } from "../shared/dom.js";
import { life } from "../shared/life.js";
import { page } from "../shared/page.js";
import { phrase } from "../words/phrase.js";
import { classes } from "./class/host.js";
import { lessonList } from "./list.js";
import { making } from "./make/host.js";
import { fetched, readFile, readLink } from "./read.js";

const unmount = new Map(); // of each part that the page has
const tabOf = (name) => document.getElementById(`tab-${name}-button`); // Python gives each tab the id tab-<name>

/** Takes the element that holds a template; `base` is the address below which the server answers. Returns its clean-up. */
export function mount(element, _props, _watch, base) {
  const part = element.matches("[data-lesson], :has([data-lesson])") ? player : list;
  unmount.get(part)?.();
  const alive = life(element);
  unmount.set(part, part(element, base, alive));
  return unmount.get(part);
}

/** The panel outside of the tabs: begins whatever lesson is asked for. */
function player(element, base, alive) {
  const { signal } = alive;
  const panel = element.querySelector("[data-lesson]") ?? element;
  let running = /** @type {?import("./player.js").Player} */ (null);
  let asked = 0; // lessons so far: the newest one begins, whichever is read first

  async function begin({ link = "", step = /** @type {number | undefined} */ (undefined), file = /** @type {?File} */ (null) }) {
    const mine = ++asked;
    page.update({ refused: "" });
    try {
      const lesson = file ? await readFile(base, file, signal) : await readLink(base, link, signal);
      const { Player } = await import("./player.js");
      if (signal.aborted || mine !== asked) return;
      running ??= new Player(panel, base.replace(/[^/]+\/$/, ""), alive, left);
      running.begin(lesson, file ? null : link, step);
    } catch (error) {
      if (error.name === "AbortError" || mine !== asked) return;
      const problem = error.message;
      page.update({ refused: error.line ? phrase("lesson_unreadable", { name: file?.name ?? link, problem }) : problem });
      tabOf("lessons")?.click();
    }
  }

  function take({ begins }) {
    if (!begins) return;
    page.update({ begins: null });
    begin(begins);
  }

  const leave = page.subscribe((now, before) => now.begins !== before.begins && take(now));
  signal.addEventListener("abort", leave);
  take(page.state); // from before the scripts were here
  making(element.querySelector("[data-make]"), base, signal);
  return () => {
    running?.destroy();
    alive.end();
  };
}

/** Where the focus goes when a lesson ends; `finished`: after its last step, which leads back to the list. */
function left(finished) {
  const tab = finished ? tabOf("lessons") : /** @type {?HTMLElement} */ (document.querySelector("[role=tab][aria-selected=true]"));
  if (finished) tab?.click(); // it is selected a moment later
  tab?.focus();
}

/** The tab. */
function list(element, base, { signal, end }) {
  const ref = refs(element.querySelector("[data-lessons]") ?? element);
  const shown = lessonList(ref, signal, (link, step) => page.update({ begins: { link, step } }));
  ref.make.addEventListener("click", () => page.update({ making: true }), { signal });
  ref.choose.addEventListener("click", () => ref.file.click(), { signal });
  ref.file.addEventListener(
    "change",
    () => {
      const [file] = ref.file.files;
      if (file) page.update({ begins: { file } });
      ref.file.value = ""; // so that the same file can be chosen again
    },
    { signal },
  );
  const leave = page.subscribe((now, before) => {
    if (now.refused !== before.refused) shown.problem(now.refused);
    if (now.lesson !== before.lesson) shown.draw();
  });
  signal.addEventListener("abort", leave);
  classes(ref, signal, async () => (await fetched(base, signal)).lessons);
  fetched(base, signal).then(shown.show, (error) => error.name !== "AbortError" && shown.problem(error.message));
  shown.problem(page.state.refused);
  return end;
}
