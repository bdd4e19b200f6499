// Terms in texts: [words|term] is a button that opens what the term means, with a drawing of the picture that is shown.

import { definition, isTerm } from "../words/terms.js";
import { make, say } from "./dom.js";

const MARK = /\[([^[\]|]+)\|(\w+)\]/g;
const DWELL = 250; // ms over a term before it opens
const GRACE = 250; // ms for the way from a term to what it opened
const GAP = 6; // px between the two
const EDGE = 8; // px to the window's edges

/** A text's parts, [{ words, term }]: `term` is undefined for what is between terms. Unknown terms stay as they are written. */
function partsOf(text) {
  const parts = [];
  let end = 0;
  const add = (words, term = undefined) => words && parts.push({ words, term });
  for (const found of text.matchAll(MARK)) {
    if (!isTerm(found[2])) continue;
    add(text.slice(end, found.index));
    add(found[1], found[2]);
    end = found.index + found[0].length;
  }
  add(text.slice(end));
  return parts;
}

/** A text without the marks of its terms. */
export const plain = (text) =>
  partsOf(text)
    .map(({ words }) => words)
    .join("");

const written = new WeakMap(); // the text of each element, with its marks

/** Sets an element's text, with a button for each term. What stays the same stays in place, and with it the focus. */
export function rich(element, text) {
  if (!element || written.get(element) === text) return;
  written.set(element, text);
  const parts = partsOf(text);
  const nodes = /** @type {any[]} */ (Array.from(element.childNodes));
  const fits = ({ term }, node) => (term ? node.dataset?.term === term : node.nodeType === Node.TEXT_NODE);
  if (nodes.length === parts.length && parts.every((part, index) => fits(part, nodes[index]))) {
    parts.forEach(({ words }, index) => say(nodes[index], words));
    return;
  }
  element.replaceChildren(...parts.map(({ words, term }) => (term ? termButton(words, term) : words)));
}

const termButton = (words, term) =>
  make("button", { type: "button", class: "cvt-term", "data-term": term, "aria-expanded": "false", text: words });

let open = /** @type {?ReturnType<typeof tip>} */ (null); // one at a time on the page
let count = 0; // for ids

/**
 * Opens the terms within some elements, by a mouse that rests on one, a tap, Enter or Space, until `signal` aborts.
 * `draw` draws a term on a canvas and returns what the drawing shows, in words.
 * Returns `redraw`, for when the picture has changed.
 * @param {HTMLElement[]} roots
 * @param {(term: import("../words/terms.js").Term, canvas: HTMLCanvasElement) => string} draw
 * @param {AbortSignal} signal
 */
export function terms(roots, draw, signal) {
  let timer = 0;
  let mine = /** @type {typeof open} */ (null);
  const termOf = (event) => event.target.closest?.(".cvt-term");
  const wait = (work, ms) => {
    clearTimeout(timer);
    timer = window.setTimeout(work, ms);
  };

  function show(term, held) {
    clearTimeout(timer);
    if (open?.term !== term) {
      open?.close();
      open = mine = tip(term, draw, signal, () => (open = null));
      mine.element.addEventListener("pointerenter", () => clearTimeout(timer), { signal: mine.signal });
      mine.element.addEventListener("pointerleave", leave, { signal: mine.signal });
    }
    if (held) open?.hold();
  }

  /** The mouse has left; a term that was opened by a click stays. */
  function leave() {
    wait(() => open === mine && !mine?.held && mine?.close(), GRACE);
  }

  for (const root of roots) {
    const hear = (type, listener) => root.addEventListener(type, (event) => termOf(event) && listener(event, termOf(event)), { signal });
    hear("pointerover", (event, term) => event.pointerType === "mouse" && wait(() => term.isConnected && show(term, false), DWELL));
    hear("pointerout", (event) => event.pointerType === "mouse" && leave());
    hear("click", (event, term) => (open?.term === term && open?.held ? open.close() : show(term, true)));
  }
  signal.addEventListener("abort", () => clearTimeout(timer));
  return { redraw: () => open && open === mine && (open.term.isConnected ? open.draw() : open.close()) };
}

/** An open term: its element beside the button, until it closes. */
function tip(term, draw, signal, closed) {
  const closing = new AbortController();
  const name = term.dataset.term;
  const { name: title, meaning } = definition(name);
  const id = `cvt-tip-${++count}`;
  const canvas = make("canvas", { role: "img" });
  const [shows, live] = [make("p", { class: "cvt-tip-shows", "aria-hidden": "true" }), make("p", { class: "cvt-hidden", role: "status" })];
  const element = make(
    "div",
    { class: "cvt cvt-tip", id, role: "tooltip", popover: "manual" },
    make("p", {}, make("b", { text: title }), ` ${meaning}`),
    canvas,
    shows,
    live,
  );
  const found = { term, element, held: false, signal: closing.signal, draw: drawNow, hold, close };

  function drawNow() {
    const words = draw(name, canvas);
    say(shows, words);
    canvas.setAttribute("aria-label", words);
    place(term, element);
  }

  /** Keeps it open without the mouse, and tells screen readers what is said. */
  function hold() {
    found.held = true;
    requestAnimationFrame(() => say(live, `${meaning} ${shows.textContent}`)); // they tell changes only
  }

  function close() {
    if (closing.signal.aborted) return;
    closing.abort();
    term.removeAttribute("aria-describedby");
    term.setAttribute("aria-expanded", "false");
    element.remove();
    closed();
  }

  const hear = (target, type, listener, more = {}) => target.addEventListener(type, listener, { signal: closing.signal, ...more });
  hear(signal, "abort", close);
  // null: what was clicked takes no focus; around a notebook's cell something may take it from what is clicked here
  hear(term, "focusout", ({ relatedTarget }) => found.held && relatedTarget && !element.matches(":active") && close());
  hear(window, "resize", () => place(term, element));
  hear(document, "scroll", () => (term.isConnected ? place(term, element) : close()), { capture: true, passive: true });
  const within = (event) => event.composedPath().some((each) => each === element || each === term);
  hear(document, "pointerdown", (event) => !within(event) && close(), { capture: true });
  const escape = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault(); // only the term closes, not what it is in
    event.stopPropagation();
    close();
  };
  hear(document, "keydown", escape, { capture: true });
  // what is behind an open dialog can be neither seen nor heard
  (term.closest("dialog") ?? term.closest(".cvt") ?? document.body).append(element);
  element.showPopover?.(); // above everything else
  term.setAttribute("aria-describedby", id);
  term.setAttribute("aria-expanded", "true");
  drawNow();
  return found;
}

/** Puts an element below a term, or above it where there is more room; within the window, never over the term. */
function place(term, element) {
  const first = term.getBoundingClientRect();
  const { clientWidth: width, clientHeight: height } = document.documentElement;
  const [below, above] = [height - first.bottom - GAP - EDGE, first.top - GAP - EDGE];
  element.style.maxHeight = "";
  const size = element.getBoundingClientRect();
  const under = below >= size.height || below >= above;
  const room = Math.max(0, under ? below : above);
  const tall = Math.min(size.height, room);
  Object.assign(element.style, {
    maxHeight: `${room}px`,
    left: `${Math.max(EDGE, Math.min(first.left, width - size.width - EDGE))}px`,
    top: `${under ? first.bottom + GAP : first.top - GAP - tall}px`,
  });
}
