// "For teachers": reads the codes and files of many people, and shows who predicted what. All of it in the browser.

import { make, say } from "../../shared/dom.js";
import { save } from "../../shared/download.js";
import { againWords, problemWords, questionWords, shareWords, shownWords, summaryWords } from "../../words/class.js";
import { phrase } from "../../words/phrase.js";
import { charts } from "./chart.js";
import { csv } from "./csv.js";
import { added, nobody, refusal } from "./read.js";
import { tally } from "./tally.js";

const SAID = 8; // problems that are named; of the others, how many there are
const FILE = "answers.csv";

/**
 * @param {HTMLElement} root
 * @param {AbortSignal} signal
 * @param {() => Promise<any[]>} lessons the page's
 */
export function teachers(root, signal, lessons) {
  let found = nobody();
  let known = /** @type {any[]} */ ([]);

  const text = make("textarea", {
    rows: "5",
    "aria-label": phrase("class_paste"),
    placeholder: phrase("class_paste"),
    spellcheck: "false",
  });
  const files = make("input", { type: "file", multiple: true, accept: ".txt,.csv,.tsv,.eml,.json,.md", hidden: true, tabindex: "-1" });
  const names = make("input", { type: "checkbox", checked: true });
  const button = (key, work) => make("button", { type: "button", class: "cvt-toggle", text: phrase(key), onclick: work });
  const [status, problems] = [make("p", { role: "status" }), make("ul", { class: "cvt-answers-problems" })];
  const title = make("h3", { tabindex: "-1", text: phrase("class_title") });
  const shown = make("div", { class: "cvt-answers-shown" });
  const clear = button("class_clear", () => {
    found = nobody();
    text.value = "";
    draw();
    text.focus();
  });
  const more = make(
    "div",
    { class: "cvt-row", hidden: true },
    make("label", { class: "cvt-check" }, names, phrase("class_names")),
    button("class_table", () =>
      save(new Blob([csv(found.entries.values(), names.checked)], { type: "text/csv;charset=utf-8" }), FILE, signal),
    ),
    clear,
  );
  const read = button("class_read", () => take([new File([text.value], "")], true));
  const ways = make(
    "div",
    { class: "cvt-row" },
    read,
    button("class_choose", () => files.click()),
  );
  root.append(title, make("p", { text: phrase("class_about") }), text, ways, files);
  root.append(make("p", { class: "cvt-sub", text: phrase("class_drop") }), status, make("div", { role: "alert" }, problems), more, shown);

  let reading = Promise.resolve();
  /** Reads files, or the pasted text as one, after those before; what cannot be read is named. */
  const take = (sources, pasted = false) => (reading = reading.then(() => readAll(sources, pasted)));

  async function readAll(sources, pasted) {
    known = await lessons().catch(() => []);
    const refused = refusal(sources.map(({ size }) => size));
    if (refused) return refuse(refused);
    let now = { ...found, problems: /** @type {import("./read.js").Problem[]} */ ([]) };
    for (const source of sources) {
      const content = await source.text().catch(() => null);
      if (signal.aborted) return;
      const next = content === null ? unread(now, source.name) : added(now, content, source.name);
      if ("key" in next) return refuse(next);
      now = next;
    }
    found = now;
    if (pasted && !found.problems.length) text.value = "";
    draw();
  }

  const unread = (now, source) => ({
    ...now,
    problems: [...now.problems, { key: /** @type {const} */ ("class_unread"), values: { source } }],
  });

  function refuse({ key, values }) {
    problems.replaceChildren(make("li", { text: phrase(key, values) }));
  }

  function draw() {
    const entries = [...found.entries.values()];
    const named = names.checked;
    const tallies = tally(entries);
    const people = entries.every(({ name }) => name) ? new Set(entries.map(({ name }) => name)).size : null;
    say(status, entries.length ? summaryWords(entries.length, people, tallies.length) : "");
    problems.replaceChildren(...told(named).map((each) => make("li", { text: each })));
    more.hidden = !entries.length;
    shown.replaceChildren(...tallies.map((each) => lessonOf(each, named)));
  }

  /** What is to be said of codes that came twice and of what is damaged. */
  function told(named) {
    const again = [...found.again].map(([code, times]) => againWords(/** @type {any} */ (found.entries.get(code)), code, times, named));
    return [again, found.problems.map(problemWords)].flatMap((each) =>
      each.length > SAID ? [...each.slice(0, SAID), phrase("class_more_problems", { count: each.length - SAID })] : each,
    );
  }

  function lessonOf({ name, digest, people, repeated, questions }, named) {
    const same = known.find((each) => each.name === name);
    const lesson = same?.digest === digest ? same : null;
    const note = lesson ? "" : phrase(same ? "class_other_version" : "class_unknown_lesson");
    return make(
      "section",
      { class: "cvt-answers-lesson", "aria-label": same?.title ?? name },
      make("h4", { text: same?.title ?? name }),
      make("p", { class: "cvt-sub", text: phrase("class_people", { people }) }),
      ...[note, named && repeated.length ? phrase("class_repeated", { names: repeated.join(", ") }) : ""]
        .filter(Boolean)
        .map((words) => make("p", { class: "cvt-sub", text: words })),
      ...questions.map((each) => questionOf(each, lesson, named)),
    );
  }

  function questionOf(question, lesson, named) {
    const ask = lesson?.steps[question.step - 1]?.[question.part];
    const shares = [shareWords(question), shownWords(question.shown, named)].filter(Boolean).join(". ");
    return make(
      "article",
      { "data-slot": question.slot },
      make("h5", { text: questionWords(question, lesson) }),
      ...(ask ? [make("p", { text: ask.text })] : []),
      make("p", { class: "cvt-sub", text: shares }),
      ...charts(question, ask, named),
    );
  }

  names.addEventListener("change", draw, { signal });
  files.addEventListener(
    "change",
    () => {
      const chosen = [...files.files];
      files.value = ""; // so that the same files can be chosen again
      if (chosen.length) take(chosen);
    },
    { signal },
  );
  for (const type of ["dragover", "drop"]) {
    root.addEventListener(
      type,
      (event) => {
        const { dataTransfer: data } = /** @type {DragEvent} */ (event);
        if (!data?.types.includes("Files")) return; // text goes into the field
        event.preventDefault();
        event.stopPropagation(); // or the page would take it for a picture or a lesson
        if (type === "drop") take([...data.files]);
      },
      { signal },
    );
  }

  return {
    /** Puts the focus on the heading. */
    show() {
      root.hidden = false;
      title.focus();
      title.scrollIntoView(); // what follows is more than a line
    },
  };
}
