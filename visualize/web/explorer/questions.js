// "Find out by doing": each question leads to the state of the page where its answer can be seen, and to a lesson about it.

import { make, svg } from "../shared/dom.js";
import { phrase, SENTENCES } from "../words/phrase.js";

/**
 * Each: the sentence's key, the lesson's name, and what to change here, or what the host opens: the laboratory with a preset, or an
 * experiment.
 * @type {{ key: keyof typeof SENTENCES, lesson: string, opens?: import("./mount.js").Goal, changes?: object }[]}
 */
const QUESTIONS = [
  { key: "question_far", lesson: "far", opens: { experiment: "reach" } },
  { key: "question_heads", lesson: "heads", opens: { experiment: "knock" } },
  { key: "question_decided", lesson: "decided", opens: { experiment: "decide" } },
  { key: "question_twice", lesson: "projection", changes: { depth: "inside", layer: "attention", view: "token", cls: false } },
  { key: "question_overlap", lesson: "overlap", opens: { preset: "no-overlap" } },
  { key: "question_fewer", lesson: "stride", opens: { preset: "kv-stride-1" } },
  { key: "question_positions", lesson: "position", opens: { experiment: "position" } },
  { key: "question_cls", lesson: "cls", opens: { preset: "cls-everywhere" } },
];

/** The way into a question's lesson: a sign, since the screen has few words. */
function wayIn({ key, lesson }, start) {
  const name = phrase("question_lesson", { question: phrase(key) });
  const cap = svg("svg", { viewBox: "0 0 24 24", width: "20", height: "20", "aria-hidden": "true" });
  cap.append(svg("path", { d: "M12 4 1 9l11 5 9-4.1V16h2V9zM5 12.2V16c0 1.7 3.1 3 7 3s7-1.3 7-3v-3.8L12 15.4z" }));
  const begin = () => start({ lesson });
  return make(
    "button",
    { type: "button", class: "cvt-question-lesson", "aria-label": name, title: name, "data-leads": lesson, onclick: begin },
    cap,
  );
}

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
          "div",
          {},
          make(
            "button",
            { type: "button", class: "cvt-question", "data-question": each.key, onclick: () => open(each) },
            make("b", { text: phrase(each.key) }),
          ),
          wayIn(each, start),
        ),
      ),
    ),
  );
}
