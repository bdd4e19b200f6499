// "Find out by doing": each question leads to the state of the page where its answer can be seen.

import { make } from "../shared/dom.js";
import { phrase, SENTENCES } from "../words/phrase.js";

/**
 * Each: the sentence's key, and what to change here, or what the host opens: the laboratory with a preset, or an experiment.
 * @type {{ key: keyof typeof SENTENCES, opens?: import("./mount.js").Goal, changes?: object }[]}
 */
const QUESTIONS = [
  { key: "question_far", opens: { experiment: "reach" } },
  { key: "question_heads", opens: { experiment: "knock" } },
  { key: "question_decided", opens: { experiment: "decide" } },
  { key: "question_twice", changes: { depth: "inside", layer: "attention", view: "token", cls: false } },
  { key: "question_overlap", opens: { preset: "no-overlap" } },
  { key: "question_fewer", opens: { preset: "kv-stride-1" } },
  { key: "question_positions", opens: { experiment: "position" } },
  { key: "question_cls", opens: { preset: "cls-everywhere" } },
];

/**
 * Fills the list once; `start` is the host's way to its other tabs, without which there are no questions.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function questions(explorer, root) {
  const { start } = explorer.host;
  root.hidden = !start;
  if (!start) return;
  /** @param {typeof QUESTIONS[number]} question */
  const open = ({ changes, opens }) => {
    if (opens) return start(opens);
    if (!explorer.result) return;
    explorer.set({ part: "stage", ...changes });
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
