// "Where does position come from?": the picture is moved, turned, mirrored, shuffled or resized, or padded in another way.

import { make, say } from "../../shared/dom.js";
import { rove } from "../../shared/rove.js";
import { borderWords, cosineWords, didWords, positionDetail, positionFinding, shiftWords } from "../../words/position.js";
import { firstName } from "../../words/explorer.js";
import { sentences } from "../../words/format.js";
import { phrase } from "../../words/phrase.js";
import { shareRow } from "../bars.js";
import { choice } from "../controls.js";
import { alignedStep, changed, initial, isChanged, patchesOf, shaped, shapeOf, sizesOf } from "./settings.js";

const WAIT = 120; // ms without another change until the model is run

/**
 * @param {HTMLElement} root
 * @param {import("../experiments.js").Context} context
 * @returns {import("../experiments.js").Experiment}
 */
export function mount(root, context) {
  let settings = /** @type {any} */ (null);
  let model = ""; // what the controls were made for
  let rows = /** @type {{ element: HTMLElement, reflect: () => void }[]} */ ([]);
  let guess = /** @type {?boolean} */ (null); // that the class stays; null: none was made, or it was answered
  let timer = 0;
  const guessing = make("div", { class: "cvt-position-guess" });
  const controls = make("div", { class: "cvt-position-controls" });
  const answer = make("div", { class: "cvt-position-answer", hidden: true });
  const detail = make("p", { class: "cvt-sub" });
  const stages = make("div", { role: "list", "aria-label": phrase("position_bars") });
  answer.append(make("h4", { text: phrase("position_bars") }), stages, detail);
  root.append(guessing, controls, answer);

  const result = () => context.shown()?.result;

  function set(changes) {
    settings = changed(settings, changes);
    guessing.hidden = true;
    rows.forEach((each) => each.reflect());
    rove(root);
    clearTimeout(timer);
    timer = window.setTimeout(ask, WAIT);
  }

  async function ask() {
    const shown = result();
    if (!shown) return;
    const asked = settings;
    const { label } = shown.header.top[0];
    if (!isChanged(asked, shown.input)) {
      answer.hidden = true;
      context.tell(phrase("position_start", { label: firstName(label) }));
      return context.showAfter(null);
    }
    const found = await context.run("transform", asked);
    if (!found || asked !== settings || shown !== result()) return;
    const did = didWords(asked, shown.input);
    context.showAfter(found.value, phrase("position_after", { did }));
    const guessed = guess === null ? "" : phrase(guess === found.stays ? "position_guessed" : "position_surprised");
    guess = null;
    context.tell(sentences(guessed, positionFinding(did, found)));
    const moves = isChanged({ ...asked, padding: "zeros" }, shown.input);
    say(detail, positionDetail(asked, found, alignedStep(shown), moves));
    stages.replaceChildren(...found.agreement.map(bar));
    answer.hidden = false;
  }

  /** Asks what will happen before it does. */
  function predict() {
    const { header, input } = result();
    const choose = (stays) => () => {
      guess = stays;
      controls.querySelector("input")?.focus(); // the first is moved now, and the question goes
      set({ ...initial(input), right: Math.round(input[1] / 2) });
    };
    guessing.hidden = false;
    guessing.replaceChildren(
      make("p", { text: phrase("position_guess", { label: firstName(header.top[0].label) }) }),
      make("button", { type: "button", class: "cvt-toggle", text: phrase("position_yes"), onclick: choose(true) }),
      make("button", { type: "button", class: "cvt-toggle", text: phrase("position_no"), onclick: choose(false) }),
    );
  }

  /** The controls for the model of the shown result. */
  function build() {
    const shown = result();
    const step = alignedStep(shown);
    const [, width] = shown.input;
    const of = { get: () => settings, set };
    const patches = () => patchesOf(settings, shown.last.query.stride[0]);
    const sizes = sizesOf(shown.input, step ?? 16);
    const own = shown.input[0] === width;
    rows = [
      slider(of, "right", phrase("position_right"), [-width / 2, width / 2, 1], step, (value) => shiftWords(value, step)),
      slider(of, "down", phrase("position_down"), [-shown.input[0] / 2, shown.input[0] / 2, 1], step, (value) => shiftWords(value, step)),
      note(step === null ? phrase("position_no_step") : phrase("position_step", { step })),
      slider(of, "turn", phrase("position_turn"), [-180, 180, 5], 90, (value) =>
        phrase("position_degrees", { degrees: String(value).replace("-", "−") }),
      ),
      choice(
        phrase("position_flip"),
        () => [
          ["none", phrase("position_flip_none")],
          ["horizontal", phrase("position_flip_horizontal")],
          ["vertical", phrase("position_flip_vertical")],
        ],
        () => settings.flip,
        (flip) => set({ flip }),
      ),
      choice(
        phrase("position_patch"),
        () => [[0, phrase("position_patch_none")], ...patches().map((each) => [each, each])],
        () => settings.patch,
        (patch) => set({ patch: Number(patch) }),
      ),
      action(
        phrase("position_order"),
        () => settings.patch > 0,
        () => set({ seed: settings.seed + 1 }),
      ),
      ...(own
        ? [
            choice(
              phrase("position_size"),
              () => sizes.map((each) => [each, each]),
              () => Math.max(settings.height, settings.width),
              (side) => set(shaped(Number(side), shapeOf(settings))),
            ),
            choice(
              phrase("position_shape"),
              () => [
                ["own", phrase("position_shape_own")],
                ["narrow", phrase("position_shape_narrow")],
                ["low", phrase("position_shape_low")],
              ],
              () => shapeOf(settings),
              (shape) => set(shaped(Math.max(settings.height, settings.width), shape)),
            ),
          ]
        : []),
      choice(
        phrase("position_padding"),
        () => [
          ["zeros", phrase("position_padding_zeros")],
          ["reflect", phrase("position_padding_reflect")],
          ["circular", phrase("position_padding_circular")],
        ],
        () => settings.padding,
        (padding) => set({ padding }),
      ),
      action(
        phrase("position_reset"),
        () => isChanged(settings, shown.input),
        () => set({ ...initial(shown.input), seed: settings.seed }),
      ),
    ];
    controls.replaceChildren(...rows.map(({ element }) => element));
    rows.forEach((each) => each.reflect());
  }

  return {
    update() {
      const shown = result();
      if (!shown) return;
      if (model !== shown.structure) {
        model = shown.structure;
        settings = initial(shown.input);
        build();
      }
      if (!isChanged(settings, shown.input)) predict();
      rove(root);
      ask();
    },
    destroy() {
      clearTimeout(timer);
    },
  };
}

/** A slider with its value in words; `step`: where it is marked. */
function slider({ get, set }, name, label, [least, most, unit], step, words) {
  const id = `cvt-position-${name}`;
  const [low, high] = [Math.ceil(least), Math.floor(most)];
  const marks = step ? Array.from({ length: 2 * Math.floor(high / step) + 1 }, (_, index) => (index - Math.floor(high / step)) * step) : [];
  const input = make("input", {
    ...{ type: "range", id, min: low, max: high, step: unit, list: marks.length ? `${id}-marks` : undefined },
    oninput: () => set({ [name]: Number(input.value) }),
  });
  const output = make("output", { for: id });
  const element = make(
    "div",
    { class: "cvt-lab-setting" },
    make("label", { for: id, text: label }),
    input,
    output,
    make("datalist", { id: `${id}-marks` }, ...marks.map((value) => make("option", { value }))),
  );
  function reflect() {
    const value = get()[name];
    if (Number(input.value) !== value) input.value = value;
    input.setAttribute("aria-valuetext", words(value));
    say(output, words(value));
    element.toggleAttribute("data-changed", value !== 0);
  }
  return { element, reflect };
}

/** A button that does nothing where there is nothing to do; it keeps the focus. */
function action(label, can, run) {
  const element = make("button", { type: "button", class: "cvt-toggle", text: label, onclick: () => can() && run() });
  return { element, reflect: () => element.setAttribute("aria-disabled", String(!can())) };
}

const note = (text) => ({ element: make("p", { class: "cvt-sub", text }), reflect() {} });

/** One stage's agreement as a bar with its number. */
function bar(found, index) {
  const stage = index + 1;
  const cosine = found.cosine === null ? "–" : cosineWords(found.cosine);
  const spoken = phrase("position_spoken", { stage, cosine });
  return shareRow(phrase("break_stage", { stage }), spoken, found.cosine ?? 0, cosine, make("small", { text: borderWords(found) }));
}
