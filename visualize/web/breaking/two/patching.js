// Patching: what is put from the first picture into the second, and how its classes answer.

import { bars, shareRow } from "../bars.js";
import { make, say } from "../../shared/dom.js";
import { patchFinding, patchPlace, sweepWords } from "../../words/two.js";
import { percent } from "../../words/format.js";
import { firstName } from "../../words/explorer.js";
import { phrase } from "../../words/phrase.js";
import { choice } from "../controls.js";

const NONE = "none";
const WHAT = [
  [NONE, phrase("two_part_none")],
  ["tokens", phrase("two_part_tokens")],
  ["block", phrase("two_part_block")],
  ["attention", phrase("two_part_attention")],
  ["mlp", phrase("two_part_mlp")],
  ["head", phrase("two_part_head")],
];
const SCOPES = [
  ["spot", phrase("two_scope_spot")],
  ["all", phrase("two_scope_all")],
];
const TARGETS = [
  ["same", phrase("two_to_same")],
  ["alike", phrase("two_to_alike")],
  ["clicked", phrase("two_to_clicked")],
];
const RADII = [0, 1, 2, 4]; // strides of the last stage around the spot
const WAIT = 150; // ms without another change until the model is run

/**
 * @param {import("../experiments.js").Context} context
 * @param {() => ?{ of: object, place: object, alike: { y: number, x: number } }} asking what the experiment has chosen: the
 *   second picture as the server takes it, stage, block, head, y and x, and the most alike place
 * @param {() => void} changed called when other settings are chosen here
 */
export function patching(context, asking, changed) {
  const unit = () => context.shown()?.result.last.query.stride[0] ?? 1;
  const state = { part: NONE, scope: "spot", radius: 1, to: "same", clicked: /** @type {?{ y: number, x: number }} */ (null) };
  let timer = 0;
  let done = /** @type {any} */ (null); // the last patch: what was asked, and the answer
  const set = (changes) => {
    Object.assign(state, changes);
    changed();
    later();
  };
  const places = () => TARGETS.filter(([to]) => to !== "clicked" || state.clicked);
  const rows = [
    choice(
      phrase("two_part"),
      () => WHAT,
      () => state.part,
      (part) => set({ part }),
    ),
    choice(
      phrase("two_scope"),
      () => SCOPES,
      () => state.scope,
      (scope) => set({ scope }),
    ),
    choice(
      phrase("two_radius"),
      () => RADII.map((each) => [each, each ? phrase("two_pixels", { pixels: each * unit() }) : phrase("two_token")]),
      () => state.radius,
      (radius) => set({ radius: Number(radius) }),
    ),
    choice(
      phrase("two_to"),
      places,
      () => state.to,
      (to) => set({ to }),
    ),
  ];
  const sweep = make("button", { type: "button", class: "cvt-toggle", onclick: () => run(true) });
  const means = make("p", { class: "cvt-sub", text: phrase("patch_means") });
  const classes = make("div", { class: "cvt-break-bars", role: "group", "aria-label": phrase("two_bars"), hidden: true });
  const swept = make("div", { class: "cvt-two-sweep", role: "list" });
  const title = make("h4");
  const found = make("div", { hidden: true }, make("p", {}, sweep), title, swept, means);
  const choices = make("div", { class: "cvt-two-choices" }, ...rows.map((each) => each.element));
  const element = make("section", { class: "cvt-two-patch" }, make("h4", { text: phrase("two_patch") }), choices, found);

  function reflect() {
    rows.forEach((each) => each.reflect());
    const [, scope, radius, to] = rows;
    scope.element.hidden = state.part === NONE;
    for (const each of [radius, to]) each.element.hidden = state.part === NONE || state.scope !== "spot";
    say(sweep, phrase(state.part === "head" ? "two_sweep_heads" : "two_sweep"));
    sweep.parentElement.hidden = state.part === "tokens" && state.scope === "all"; // each is the first picture, from there on
  }

  /** Runs it soon, if anything is put anywhere. */
  function later() {
    clearTimeout(timer);
    if (state.part === NONE || !asking()) found.hidden = classes.hidden = true;
    else timer = window.setTimeout(run, WAIT);
  }

  async function run(all = false) {
    clearTimeout(timer); // or what is due would end this run
    const chosen = asking();
    if (!chosen || state.part === NONE) return;
    const { of, place, alike } = chosen;
    const to = state.to === "alike" ? alike : state.to === "clicked" && state.clicked ? state.clicked : place;
    const spot = state.scope === "spot" && { spot: true, radius: state.radius * unit(), to_y: to.y, to_x: to.x };
    const asked = { ...of, ...place, ...spot, part: state.part, head: Math.max(1, place.head), sweep: all === true };
    const answer = await context.run("patch", asked);
    if (!answer || context.signal.aborted || state.part === NONE) return;
    done = { asked, answer };
    draw();
  }

  function draw() {
    const { asked, answer } = done;
    const [first, second] = answer.labels.map(firstName);
    bars(classes, answer.before, answer.after);
    const most = answer.sweep && answer.moved !== null ? ` ${sweepWords(answer.sweep)}` : "";
    context.tell(`${patchFinding(asked, answer)}${most}`);
    title.hidden = swept.hidden = !answer.sweep || answer.moved === null;
    say(title, phrase("two_sweep_title", { first, second }));
    swept.replaceChildren(...(answer.sweep ?? []).map(row));
    found.hidden = classes.hidden = false;
  }

  context.signal.addEventListener("abort", () => clearTimeout(timer));
  reflect();
  return {
    element,
    classes,
    later,
    reflect,
    /** Whether the classes answer now. */
    runs: () => state.part !== NONE,
    needs: () => state,
    point: (clicked) => set({ clicked, to: "clicked" }),
  };
}

/** One place of a sweep: its name, a bar and its share of the way. */
function row(each) {
  const share = each.moved ?? 0;
  const words = `${share < 0 ? "−" : ""}${percent(Math.abs(share))}`;
  const place = patchPlace(each);
  return shareRow(place, phrase("two_sweep_spoken", { place, share: words }), share, words);
}
