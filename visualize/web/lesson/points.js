// What a lesson points at: each name's place in the page, outlined and brought into view.

const LOOK = '[data-explorer="main"]';
const LAB = "[data-lab]";
const BREAK = "[data-break]";
const TRIES = 120; // frames to wait for what the page is about to show
const EDGE = 12; // px around it
const MOVES = ["wheel", "touchmove", "pointerdown", "keydown"]; // by which a person may move the page

/**
 * For each name its places, of which the first that is displayed is taken: a closed tab's are not. The names are those of
 * visualize/page/lessons/measures.py.
 * @type {Record<string, string[]>}
 */
export const POINTS = {
  picture: [
    `${LOOK} [data-ref="frame"]`,
    `${LAB} [data-explorer="variant"] [data-ref="frame"]`,
    `${BREAK} [data-explorer="before"] [data-ref="frame"]`,
  ],
  verdict: [`${LOOK} [data-ref="verdict"]`, `${LAB} [data-ref="variantVerdict"]`, `${BREAK} [data-ref="bars"]`],
  examples: ["#picture-examples", ".cvt-filmstrip"],
  layers: [`${LOOK} [data-choice="layer"]`, `${LAB} [data-ref="layers"]`, `${BREAK} [data-ref="layers"]`],
  stages: [`${LOOK} [data-ref="pipeline"]`, `${LAB} [data-ref="tabs"]`],
  finding: [`${LOOK} .cvt-finding`, `${LAB} [data-ref="finding"]`, `${BREAK} [data-ref="finding"]`],
  spots: [`${LOOK} [data-ref="spots"]`],
  heads: [`${LOOK} [data-ref="heads"]`, `${BREAK} [data-kind="head"]`],
  blocks: [`${LOOK} [data-ref="blocksPart"]`],
  channels: [`${LOOK} [data-ref="wall"]`],
  inside: [`${LOOK} [data-depth="inside"]`],
  questions: [`${LOOK} [data-ref="questions"]`],
  experiments: [`${BREAK} [data-ref="experiments"]`],
  experiment: [`${BREAK} [data-ref="experiment"]`],
  bars: [`${BREAK} [data-ref="bars"]`],
  before: [`${LAB} [data-side="baseline"]`, `${BREAK} [data-side="before"]`],
  after: [`${LAB} [data-side="variant"]`, `${BREAK} [data-side="after"]`],
  result: [`${LAB} [data-ref="head"]`, `${BREAK} [data-ref="head"]`],
  presets: [`${LAB} [data-ref="presets"]`],
  settings: [`${LAB} [data-ref="stage"]`],
  costs: [`${LAB} [data-ref="totals"]`],
  differences: [`${LAB} [data-ref="differsPart"]`],
  ablation: [`${LAB} [data-ref="ablation"]`, `${LAB} [data-ref="ablations"]`, `${LAB} [data-ref="training"]`],
};

const MARK = "data-cvt-pointed";

const visible = (element) => element.checkVisibility() && element.getClientRects().length > 0;

/** @param {string} name @returns {HTMLElement | undefined} */
const placeOf = (name) =>
  POINTS[name].flatMap((each) => /** @type {HTMLElement[]} */ (Array.from(document.querySelectorAll(each)))).find(visible);

/** Outlines nothing any more. */
function unpoint() {
  document.querySelectorAll(`[${MARK}]`).forEach((each) => each.removeAttribute(MARK));
}

/**
 * Points at a name's place once it is displayed, until `signal` aborts. `covered`: px at the window's lower edge that are.
 * @param {string} name
 * @param {() => number} covered
 * @param {AbortSignal} signal
 */
export function point(name, covered, signal) {
  unpoint();
  let tries = TRIES;
  const look = () => {
    if (signal.aborted) return;
    const place = placeOf(name);
    if (!place) {
      if (tries--) requestAnimationFrame(look);
      return;
    }
    place.setAttribute(MARK, "");
    keep(() => bring(place, covered()), signal);
  };
  look();
  signal.addEventListener("abort", unpoint, { once: true });
}

/** Does it now and whenever the page grows or shrinks, as it does while things load, until a person moves it, or `signal` aborts. */
function keep(work, signal) {
  const watcher = new ResizeObserver(work);
  watcher.observe(document.body);
  const stop = () => watcher.disconnect();
  for (const type of MOVES) document.addEventListener(type, stop, { signal, once: true, capture: true, passive: true });
  signal.addEventListener("abort", stop, { once: true });
}

/** Scrolls until an element is in the part of the window that nothing covers: its beginning, if it is too large. */
function bring(element, below) {
  const { top, bottom } = element.getBoundingClientRect();
  const [first, last] = [above(element) + EDGE, innerHeight - below - EDGE];
  if (top >= first && bottom <= last) return;
  const by = bottom - top > last - first || top < first ? top - first : bottom - last;
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
  scrollBy({ top: by, behavior });
}

// what may stay at the window's upper edge, over what scrolls below it
const STAYING = ".cvt-lab-head, [data-ref='finding'], .cvt-lab-left, .cvt-lab-sides, .cvt-page-left, .cvt-frame";

/** Px of the window's upper edge that are covered where an element is. */
function above(element) {
  const { left, right } = element.getBoundingClientRect();
  const over = /** @type {HTMLElement[]} */ (Array.from(document.querySelectorAll(STAYING))).filter((each) => {
    if (!visible(each) || each.contains(element) || element.contains(each)) return false;
    const box = each.getBoundingClientRect();
    return getComputedStyle(each).position === "sticky" && box.left < right && box.right > left;
  });
  return Math.max(0, ...over.map((each) => (parseFloat(getComputedStyle(each).top) || 0) + each.getBoundingClientRect().height));
}
