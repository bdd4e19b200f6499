// The examples, pictures of one's own, and the choices made in any part of the page.

import { life } from "../shared/life.js";
import { MAIN, page, shownNow } from "../shared/page.js";
import { answer } from "./answer.js";
import { camera, isPhone } from "./camera.js";
import { choices } from "./choices.js";
import { taken } from "./files.js";
import { strip } from "./strip.js";
import { send, uploads } from "./upload.js";
import { hearWindow } from "./window.js";
import { phrase } from "../words/phrase.js";

/**
 * @typedef {object} Sent a choice on its way to Python
 * @property {number} nth its number
 * @property {string} [name] of a file, for people
 * @property {File} [file] the picture of one's own
 * @property {{ example?: string, own?: any }} [which] the picture; empty where it stays
 * @property {?string} [model] null where it stays
 */

let unmount = null; // of the one that the page has

/**
 * Takes the element that holds the template; `trigger` sends an event of this element to Python, and `props.value` is its answer
 * to one that it refuses; `props.live`: whether the host can follow a camera. Returns its clean-up.
 */
export function mount(element, props, watch, _base, trigger) {
  unmount?.();
  const alive = life(element);
  const { signal, end } = alive;
  const find = (query) => element.querySelector(query);
  const above = element.closest(".contain") ?? document.body; // Gradio's styles reach no further
  const most = Number(find("[data-chooser]")?.dataset.mostBytes ?? Infinity);
  const hidden = () => find("#picture-upload") === null || getComputedStyle(find("#picture-upload")).display === "none";
  let sent = /** @type {Sent} */ ({ nth: 0 }); // the choice that Python has
  let waiting = /** @type {?() => void} */ (null); // sends a choice once the server answers

  const chosen = choices({
    send({ picture, model }) {
      const { name, file, ...which } = picture ?? {};
      const begin = () => {
        sent = { nth: sent.nth + 1, name, file, which, model };
        trigger("submit", { ...which, ...(model && { model }), nth: sent.nth, now: shownNow() });
      };
      page.state.away ? (waiting = begin) : begin();
    },
    working: (newer, { picture }) => page.update({ choosing: { newer, quiet: picture?.live === true } }),
    settled() {
      page.update({ choosing: null });
      show();
    },
  });
  const cancel = () => {
    sending.cancel();
    line.idle();
  };
  const line = answer(alive, () => find("[data-answer]"), above, cancel);
  const sending = uploads(signal, {
    begin: ({ name }) => line.send(name),
    progress: line.progress,
    done(file, path) {
      line.idle();
      others += 1;
      chosen.choose({ picture: { own: path, name: file.name, file } });
    },
    failed: ({ name }, problem) => line.refuse(phrase("refused", { name, problem })),
  });
  const film = strip(element, alive);
  const openCamera = camera(signal, above, (file) => take(taken([file], most)), props.live ? see : null);
  let refused = 0; // the last choice that was
  let mine = /** @type {?File} */ (null); // the picture of one's own that is shown
  let others = 0; // the pictures that were chosen, and not seen by a camera that is followed

  /**
   * Takes a picture or a lesson, or says why not. Nothing that is shown is lost by it.
   * @param {{ file?: File, problem?: string, lesson?: File }} found
   */
  function take({ file, problem, lesson }) {
    if (lesson) return page.update({ begins: { file: lesson } });
    if (hidden()) return line.refuse(phrase("own_hidden"));
    if (file) sending.start(file);
    else line.refuse(problem ?? "");
  }

  /** Shows what a camera sees now; resolves once that is drawn, or to false if it cannot be or another picture was chosen. */
  async function see(frame) {
    const before = others;
    chosen.choose({ picture: { own: frame, live: true } });
    await new Promise((done) => {
      const look = ({ choosing, picture, results }) => {
        if (!choosing && picture?.key === results[MAIN]?.key) done(leave());
      };
      const leave = page.subscribe(look);
      signal.addEventListener("abort", () => done(leave()), { once: true });
    });
    return refused !== sent.nth && others === before && !signal.aborted;
  }

  /** A choice that replaces whatever is on its way; one of a model that the server has not in memory waits for that. */
  function choose(choice) {
    const { loaded, ...changes } = choice;
    const { ready, results } = page.state;
    const waits = choice.model && ready && !loaded && choice.model !== results[MAIN]?.model && !ready.includes(choice.model);
    if (waits) return page.update({ needed: choice });
    if (choice.picture) {
      cancel();
      others += 1;
    }
    line.refuse("");
    chosen.choose(changes);
  }

  /** Brings a new picture's verdict into view, if it is not. */
  function bring() {
    const frame = find('[data-ref="frame"]');
    const { top, bottom, height } = (find('[data-ref="verdict"]') ?? frame).getBoundingClientRect();
    if (!height || (top >= 0 && bottom <= innerHeight)) return; // on a tab that is not open, or seen
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
    frame.scrollIntoView({ block: frame.offsetHeight > innerHeight ? "end" : "nearest", behavior });
  }

  /** Marks the example of Python's last answer. */
  const show = () => film.mark(page.state.results[MAIN]?.example);

  element.addEventListener(
    "click",
    ({ target }) => {
      const button = target.closest?.("[data-example], [data-own]");
      if (!button) return;
      const { example, own } = button.dataset;
      if (example) choose({ picture: { example } });
      if (own === "choose") find('[data-own="file"]').click();
      if (own === "camera") isPhone() && !props.live ? find('[data-own="capture"]').click() : openCamera();
    },
    { signal },
  );
  element.addEventListener(
    "change",
    ({ target }) => {
      if (!target.files?.length) return; // the person chose none
      const found = taken(target.files, most);
      target.value = ""; // so that the same file can be chosen again
      take(found);
    },
    { signal },
  );
  hearWindow(signal, above, most, take);

  /** Python has answered: the choice is what is shown from now on, unless it was refused. */
  function heard() {
    const { nth, which, file } = sent;
    if (nth === refused || !which || !Object.keys(which).length) return;
    mine = file ?? null;
    page.update({ own: typeof which.own === "string" ? which.own : null });
  }

  /** The server has lost the picture that is shown: it gets it once more, and the same choice. */
  async function restore(file, model) {
    const path = await send(file, signal, () => {});
    chosen.choose({ picture: { own: path, name: file.name, file }, model });
  }

  watch?.("value", () => {
    const { problem, nth, lost } = props.value ?? {};
    if (signal.aborted || !problem) return;
    refused = nth;
    if (lost && mine && nth === sent.nth) return void restore(mine, sent.model).catch((error) => line.refuse(error.message));
    const { name } = nth === sent.nth ? sent : {};
    line.refuse(name ? phrase("refused", { name, problem }) : problem);
  });
  const leave = page.subscribe((now, before) => {
    if (now.asked !== before.asked) choose(now.asked);
    if (now.gone !== before.gone && now.gone.explorer === MAIN) chosen.choose({}); // recompute the current result
    if (now.answers !== before.answers) {
      if (now.unheard === before.unheard) heard();
      chosen.answered();
    }
    if (before.away && !now.away) {
      waiting?.();
      waiting = null;
    }
    if (now.picture === before.picture) return;
    show();
    if (before.picture && now.picture?.picture !== before.picture.picture) bring();
  });
  signal.addEventListener("abort", leave);
  const { answers, asked } = page.state; // from before the scripts were here
  if (answers) chosen.answered();
  if (asked) choose(asked);
  return (unmount = end);
}
