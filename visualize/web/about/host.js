// What a CvT is: the dialog's pictures and texts, of the result on the first tab.

import { drawTerm, paint } from "../explorer/terms.js";
import { asShown } from "../explorer/state.js";
import { make, refs, say } from "../shared/dom.js";
import { life } from "../shared/life.js";
import { MAIN, page } from "../shared/page.js";
import { rich, terms } from "../shared/terms.js";
import { scene } from "../explorer/term_scenes.js";
import { stepsOf } from "../words/about.js";

let unmount = null; // of the one that the page has

/** Takes the element that holds the template. Returns its clean-up. */
export function mount(element) {
  unmount?.();
  const root = element.querySelector("[data-about]") ?? element;
  const { signal, end } = life(root);
  const ref = refs(root);
  const hear = (target, type, listener) => target.addEventListener(type, listener, { signal });
  const shown = () => page.state.view[MAIN];
  let steps = [];

  /** Draws each step for the token that is chosen; the embedding is that of the pixels. */
  function draw() {
    const { picture } = page.state;
    say(ref.model, picture?.model ?? "");
    say(ref.facts, picture?.facts ?? "");
    say(ref.note, picture?.note ?? "");
    if (!shown()?.result) return;
    const { result } = shown();
    const state = { ...asShown(shown().state), cls: false, view: "token" };
    const found = stepsOf(result, state.stage);
    if (steps.length !== found.length) build(found.length);
    found.forEach(({ title, text, term, stage = state.stage }, index) => {
      const { canvas, heading, words } = steps[index];
      say(heading, title);
      rich(words, text);
      const drawn = term ? scene(term, result, { ...state, stage }) : { panels: [{}], shows: title };
      canvas.setAttribute("aria-label", drawn.shows);
      paint(canvas, drawn, result, { pixels: !term || stage === 0, aside: true });
    });
  }

  function build(count) {
    steps = Array.from({ length: count }, () => ({
      canvas: make("canvas", { role: "img" }),
      heading: make("h3"),
      words: make("p"),
    }));
    ref.steps.replaceChildren(...steps.map(({ canvas, heading, words }) => make("li", {}, canvas, heading, words)));
  }

  hear(ref.open, "click", () => {
    ref.dialog.showModal();
    ref.title.focus(); // in its template, a browser would refuse the focus in another site's frame, and say so as an error
    draw();
  });
  hear(ref.close, "click", () => ref.dialog.close());
  hear(ref.dialog, "pointerdown", ({ target }) => target === ref.dialog && ref.dialog.close()); // beside it
  terms([ref.dialog], (term, canvas) => drawTerm(canvas, term, shown()), signal);
  const leave = page.subscribe(() => ref.dialog.open && draw());
  signal.addEventListener("abort", leave);
  return (unmount = end);
}
