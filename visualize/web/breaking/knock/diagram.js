// The model's diagram: a row of switches per block, in the order of computation, tinted by what each part is worth.

import { make } from "../../shared/dom.js";
import { rove } from "../../shared/rove.js";
import { partWords } from "../../words/knock.js";
import { phrase } from "../../words/phrase.js";
import { idOf, levelOf, partsOf } from "./parts.js";

const COLUMNS = { block: "knock_column_block", conv: "knock_column_conv", heads: "knock_column_heads" }; // the others name themselves
const SHORT = {
  attention: "knock_short_attention",
  mlp: "knock_short_mlp",
  query_conv: "knock_short_query_conv",
  key_conv: "knock_short_key_conv",
  value_conv: "knock_short_value_conv",
  attention_residual: "knock_short_residual",
  mlp_residual: "knock_short_residual",
};

const short = ({ part, block, head }) => (part === "block" ? block + 1 : part === "head" ? head + 1 : phrase(SHORT[part]));

/**
 * Builds the diagram of a model of these stages, as a result's header describes them.
 * @param {HTMLElement} root
 * @param {any[]} stages
 */
export function diagram(root, stages) {
  const buttons = new Map(); // by the part's id: { part, button }
  const heads = Math.max(...stages.map((stage) => stage.heads));
  const convs = Math.max(...stages.map((stage) => partsOf(stage, 0, 0)[1][1].length));

  function button(part) {
    const made = make(
      "button",
      { type: "button", "data-part": idOf(part), "data-kind": part.part, "aria-label": partWords(part) },
      String(short(part)),
    );
    buttons.set(idOf(part), { part, button: made });
    return made;
  }

  const row = (stage, index, block) =>
    make(
      "div",
      { class: "cvt-knock-row" },
      ...partsOf(stage, index, block).map(([group, parts]) => make("span", { "data-group": group }, ...parts.map(button))),
    );
  const titled = (group) => group !== "conv" || convs > 0; // a column without a switch has no room for a title
  const names = make(
    "div",
    { class: "cvt-knock-row cvt-knock-names", "aria-hidden": "true" },
    ...Object.keys(COLUMNS).map((group) => make("span", { "data-group": group, text: titled(group) ? phrase(COLUMNS[group]) : "" })),
  );
  const drawn = stages.map((stage, index) =>
    make(
      "div",
      { class: "cvt-knock-stage" },
      make("b", { text: phrase("break_stage", { stage: index + 1 }) }),
      make(
        "div",
        { role: "toolbar", "aria-label": phrase("knock_switches", { stage: index + 1 }) },
        ...Array.from({ length: stage.depth }, (_, block) => row(stage, index, block)),
      ),
    ),
  );
  root.style.setProperty("--heads", String(heads));
  root.style.setProperty("--convs", String(convs));
  root.replaceChildren(names, ...drawn);
  rove(root);

  return {
    convs,

    /** The part of the button that an event hit, if any. */
    partOf: (event) => buttons.get(event.target.closest?.("[data-part]")?.dataset.part)?.part ?? null,

    /**
     * Shows which parts are off, cannot be switched, or were guessed; and what each is worth, by its id, and in words.
     * @param {{ isOff: (part: any) => boolean, isFixed: (part: any) => boolean, words: (part: any) => string, guess: ?string,
     *   losses: Map<string, any> }} state
     */
    draw({ isOff, isFixed, words, guess, losses }) {
      for (const [id, { part, button: each }] of buttons) {
        each.setAttribute("aria-pressed", String(!isOff(part)));
        each.setAttribute("aria-disabled", String(isFixed(part)));
        each.title = words(part);
        each.toggleAttribute("data-guess", id === guess);
        const loss = losses.get(id);
        loss ? (each.dataset.level = String(levelOf(loss.logit))) : delete each.dataset.level;
      }
    },
  };
}

/** Moves the focus to the row above or below, to the same group where it has as many buttons. */
export function upAndDown(event) {
  const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  const row = by && event.target.closest(".cvt-knock-row");
  if (!row) return;
  const rows = [...row.closest(".cvt-knock").querySelectorAll("[role=toolbar] .cvt-knock-row")];
  const next = rows[rows.indexOf(row) + by];
  if (!next) return;
  event.preventDefault();
  const { group } = event.target.parentElement.dataset;
  const at = [...event.target.parentElement.children].indexOf(event.target);
  const there = [...next.querySelectorAll(`[data-group="${group}"] button`)];
  (there[Math.min(at, there.length - 1)] ?? next.querySelector("button")).focus();
}

/** The scale of the tints: a swatch and words for each step, `words` from "rises" on. */
export function drawScale(root, title, words) {
  root.replaceChildren(
    make("span", { text: title }),
    make("ol", {}, ...words.map((text, index) => make("li", { "data-level": String(index - 1), text }))),
  );
}
