// "Find out by doing": each question leads to the state of the page where its answer can be seen.

import { make } from "../shared/dom.js";
import { phrase, SENTENCES } from "../words/phrase.js";

/**
 * Each: the sentence's key, and what to change here, or the preset with which the laboratory starts.
 * @type {{ key: keyof typeof SENTENCES, preset?: string, changes?: (result: import("./result.js").Result) => object }[]}
 */
const QUESTIONS = [
  {
    key: "question_far",
    changes: ({ stages }) => {
      const heads = stages.map(() => -1);
      return { stage: stages.length - 1, heads, layer: "attention", view: "token", cls: false, depth: "none" };
    },
  },
  {
    key: "question_heads",
    changes: ({ stages }) => {
      const stage = busiest(stages);
      const heads = stages.map((each, index) => (index === stage && each.heads > 1 ? 0 : -1)); // one head's finding, the others beside it
      return { stage, heads, layer: "attention", view: "token", cls: false, depth: "attention" };
    },
  },
  {
    key: "question_decided",
    changes: ({ stages }) => ({ stage: stages.length - 1, layer: "attention", view: "token", cls: true, depth: "attention" }),
  },
  { key: "question_twice", changes: () => ({ depth: "inside", layer: "attention", view: "token", cls: false }) },
  { key: "question_overlap", preset: "no-overlap" },
  { key: "question_fewer", preset: "kv-stride-1" },
  { key: "question_positions", preset: "linear" },
  { key: "question_cls", preset: "cls-everywhere" },
];

/** The stage with the most heads. */
const busiest = (stages) => stages.reduce((found, { heads }, index) => (heads > stages[found].heads ? index : found), 0);

/**
 * Fills the list once; `start` is the host's way to the laboratory, without which its questions are left out.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function questions(explorer, root) {
  const { start } = explorer.host;
  root.hidden = !start;
  if (!start) return;
  /** @param {typeof QUESTIONS[number]} question */
  const open = ({ changes, preset }) => {
    if (preset) return start(preset);
    if (!explorer.result || !changes) return;
    explorer.set({ part: "stage", ...changes(explorer.result) });
    explorer.reveal();
  };
  root.replaceChildren(
    make("h3", { text: phrase("questions_title") }),
    make(
      "div",
      { role: "toolbar", "aria-label": phrase("questions_title") },
      ...QUESTIONS.map((each) =>
        make(
          "button",
          { type: "button", class: "cvt-question", "data-question": each.key, onclick: () => open(each) },
          make("b", { text: phrase(each.key) }),
        ),
      ),
    ),
  );
}
