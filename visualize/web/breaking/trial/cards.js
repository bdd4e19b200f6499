// The maps side by side on the picture, each a button.

import { make, say } from "../../shared/dom.js";
import { drawLight, fitAll } from "../../shared/draw.js";
import { cardWords, methodName, tellsWords } from "../../words/trial.js";
import { lit } from "./values.js";

const EMPTY = { flat: false, beats: null };

/**
 * @param {HTMLElement} root a toolbar
 * @param {string[]} methods
 */
export function cards(root, methods) {
  const made = new Map(methods.map((method) => [method, card(method)]));
  root.replaceChildren(...Array.from(made.values(), ({ button }) => button));
  let drawn = /** @type {[HTMLCanvasElement, ReturnType<typeof lit>][]} */ ([]);
  let shown = /** @type {any} */ (null);

  function paint() {
    if (!shown) return;
    const canvases = Array.from(made.values(), ({ canvas }) => canvas);
    fitAll(canvases, shown.aspect);
    const underlay = (width, height) => shown.underlay(width, height);
    for (const canvas of canvases) drawLight(canvas, null, shown.input, { underlay });
    for (const [canvas, map] of drawn) drawLight(canvas, map, shown.input, { underlay });
  }

  return {
    paint,

    /** The method of the card that an event hit, if any. */
    methodOf: (event) => event.target.closest?.("[data-method]")?.dataset.method ?? null,

    /**
     * @param {any} result
     * @param {import("./values.js").Row[]} rows those that are there
     * @param {number} stage the number of the one that some methods explain
     * @param {?string} chosen
     */
    draw(result, rows, stage, chosen) {
      shown = result;
      const of = { cls: result.last.cls, last: result.stages.length };
      drawn = rows.map((row) => [/** @type {any} */ (made.get(row.method)).canvas, lit(row)]);
      for (const [method, { button, name, verdict }] of made) {
        const row = rows.find((each) => each.method === method) ?? EMPTY;
        say(name, methodName({ method, stage, cls: of.cls }));
        say(verdict, cardWords(row));
        button.title = tellsWords({ method, stage }, of);
        button.setAttribute("aria-pressed", String(method === chosen));
        button.toggleAttribute("data-waiting", row === EMPTY);
        button.dataset.beats = String(row.beats);
      }
      paint();
    },
  };
}

function card(method) {
  const canvas = make("canvas", { "aria-hidden": "true" });
  const name = make("b", {});
  const verdict = make("small", {});
  const button = make("button", { type: "button", class: "cvt-trial-card", "data-method": method }, canvas, name, verdict);
  return { button, canvas, name, verdict };
}
