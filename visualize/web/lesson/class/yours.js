// "Your answers": a person's class code for one lesson, and the same as a file.

import { make, say } from "../../shared/dom.js";
import { copy, save } from "../../shared/download.js";
import { phrase } from "../../words/phrase.js";
import { NAME } from "./answers.js";
import { encode } from "./code.js";
import { fileName, fileOf } from "./file.js";

/**
 * The section that `show` fills, until its close button is used.
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 */
export function yours(root, signal) {
  const title = make("h3", { tabindex: "-1" });
  const score = make("p");
  const name = make("input", { type: "text", maxlength: NAME, autocomplete: "off", spellcheck: "false" });
  const code = make("p", { class: "cvt-answers-code", role: "group", "aria-label": phrase("class_code") });
  const button = (key, work) => make("button", { type: "button", class: "cvt-toggle", text: phrase(key), onclick: work });
  const copying = button("copy", () => copy(copying, code, signal));
  const saving = button("class_save", () => save(new Blob([fileOf(given())], { type: "application/json" }), fileName(given()), signal));
  const close = button("class_close", () => (root.hidden = true));
  root.append(
    title,
    score,
    make("label", { class: "cvt-answers-name" }, phrase("class_name"), name),
    make("p", { class: "cvt-answers-label", text: phrase("class_code") }),
    code,
    make("div", { class: "cvt-row" }, copying, saving, close),
  );
  name.addEventListener("input", write, { signal });

  let shown = /** @type {any} */ (null);
  const given = () => ({ lesson: shown.lesson, name: name.value, answers: shown.answers });

  function write() {
    say(code, encode(given()) ?? "");
  }

  return {
    /** Shows the answers to a lesson, and puts the focus there. */
    show(lesson, answers) {
      const all = Object.values(answers);
      shown = { lesson, answers };
      say(title, phrase("class_yours", { title: lesson.title }));
      say(score, phrase("class_yours_score", { right: all.filter(({ right }) => right).length, count: all.length }));
      write();
      root.hidden = false;
      title.focus();
      title.scrollIntoView(); // what follows is more than a line
    },
  };
}
