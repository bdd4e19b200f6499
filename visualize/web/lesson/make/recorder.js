// "Make a lesson": a panel that stays while the tabs change, and records what the page shows as the steps of a lesson.

import { make, say } from "../../shared/dom.js";
import { save } from "../../shared/download.js";
import { page } from "../../shared/page.js";
import { capital } from "../../words/format.js";
import { stepWords } from "../../words/make.js";
import { phrase } from "../../words/phrase.js";
import { dock } from "../dock.js";
import { forget } from "../progress.js";
import { readFile, readText } from "../read.js";
import { changed, empty, fromLesson, isEmpty, MOST_STEPS, moved, nameFor, valueAt, withoutStep, withStep } from "./draft.js";
import { lessonFields, stepFields, stepRow } from "./form.js";
import { keepDraft, keptDraft } from "./kept.js";
import { measureOf, parameter, withQuestion } from "./questions.js";
import { recorded } from "./record.js";
import { fieldAt, yaml } from "./yaml.js";

const READ_AS = {
  text: (text) => text || undefined,
  number: (text) => (text === "" ? undefined : Number(text)),
  lines: (text) => text.split("\n"),
  parameter: (text) => parameter(text.trim()),
};

export class Recorder {
  #draft = keptDraft() ?? empty();
  #before = /** @type {any} */ (null); // what was discarded or replaced
  #open = -1; // the step whose fields are shown; -1: none

  /**
   * @param {HTMLElement} root holds the template
   * @param {Object<string, any>} ref its elements
   * @param {string} base the address below which lessons are read
   * @param {AbortSignal} signal
   */
  constructor(root, ref, base, signal) {
    this.root = root;
    this.ref = ref;
    this.base = base;
    this.signal = signal;
    this.dock = dock(root, ref.makeFold, signal);
    const hear = (element, type, work) => element.addEventListener(type, work, { signal });
    hear(root, "input", ({ target }) => target.dataset.path && this.#write(target));
    hear(root, "click", ({ target }) => target.dataset.act && this.#act(target.dataset.act, target.dataset.at));
    hear(ref.makeFile, "change", () => this.#openFile());
    const leave = page.subscribe((now, before) => {
      if (now.lesson !== before.lesson || now.making !== before.making) this.show();
    });
    signal.addEventListener("abort", leave);
    this.draw();
  }

  /** Shows the panel while a lesson is made, but for the time in which one runs. */
  show() {
    const { making, lesson } = page.state;
    const wanted = Boolean(making && !lesson);
    if (wanted === !this.root.hidden) return;
    if (!wanted && lesson)
      this.root.hidden = true; // the player has the place now
    else if (!wanted) this.dock.close();
    if (!wanted) return;
    this.dock.open();
    this.dock.fold(false);
    this.ref.makeTitle.focus();
  }

  draw() {
    const { ref } = this;
    const { steps } = this.#draft;
    ref.makeLesson.replaceChildren(lessonFields(this.#draft, nameFor({ name: "", title: this.#draft.title })));
    ref.makeSteps.replaceChildren(
      ...steps.map((step, index) => {
        const open = index === this.#open;
        const fields = open ? [stepFields(step, `steps.${index}`)] : [];
        return make("li", { "data-open": open }, stepRow(step, index, steps.length, open), ...fields);
      }),
    );
    ref.makeAdd.disabled = steps.length >= MOST_STEPS;
    this.#ready();
  }

  /** Which buttons can be used. */
  #ready() {
    const { ref } = this;
    ref.makeUndo.hidden = this.#before === null;
    for (const each of [ref.makeSave, ref.makeDiscard]) each.disabled = isEmpty(this.#draft);
  }

  /** Another draft; `focus`: what has the focus then. `before`: what it replaces, which can be had back until the next change. */
  #set(draft, focus = "", before = /** @type {any} */ (null)) {
    this.#draft = draft;
    this.#before = before;
    keepDraft(isEmpty(draft) ? null : draft);
    this.#said("");
    this.draw();
    if (focus) /** @type {?HTMLElement} */ (this.root.querySelector(focus))?.focus();
  }

  /** What was typed into a field, or chosen in it. */
  #write({ dataset: { path, as }, value }) {
    const { view = "" } = valueAt(this.#draft, path.split(".").slice(0, 2).join(".")) ?? {};
    if (as === "kind" || as === "measure") {
      const now =
        as === "kind"
          ? withQuestion(this.#draft, path, value, view)
          : changed(this.#draft, path.replace(/\.name$/, ""), measureOf(value, view));
      return this.#set(now, `[data-path="${path}"]`);
    }
    this.#draft = changed(this.#draft, path, READ_AS[as](value) ?? (["title", "name"].includes(path) ? "" : undefined));
    keepDraft(this.#draft);
    this.#wrong(path, "");
    this.#name(path);
  }

  /** What else shows a title while it is typed. */
  #name(path) {
    this.#before = null;
    this.#ready();
    if (path === "title") this.#field("name").placeholder = nameFor({ name: "", title: this.#draft.title });
    const [, step] = /^steps\.(\d+)\.title$/.exec(path) ?? [];
    if (step) say(this.root.querySelector(`[data-act=open][data-at="${step}"]`), stepWords(Number(step), this.#draft.steps[step]));
  }

  /** The field of a path, if it is shown. */
  #field(path) {
    return /** @type {any} */ (this.root.querySelector(`[data-path="${path}"]`));
  }

  #act(act, at) {
    const index = Number(at);
    const to = (name, place) => `[data-act="${name}"][data-at="${place}"]:not(:disabled)`;
    const acts = {
      add: () => this.#add(),
      open: () => {
        this.#open = this.#open === index ? -1 : index;
        this.draw();
        /** @type {?HTMLElement} */ (this.root.querySelector(to("open", at)))?.focus();
      },
      up: () => this.#move(index, -1, to),
      down: () => this.#move(index, 1, to),
      delete: () => {
        this.#open = -1;
        this.#set(withoutStep(this.#draft, index), `${to("open", Math.max(0, index - 1))}, [data-act=add]`);
      },
      take: () => this.#set(changed(this.#draft, at, this.#view()), `[data-path="${at}"]`),
      try: () => this.#try(index),
      save: () => this.#save(),
      file: () => this.ref.makeFile.click(),
      discard: () => this.#replace(empty(), "make_discarded"),
      undo: () => this.#set(this.#before, "[data-path=title]"),
      close: () => page.update({ making: false }),
    };
    acts[act]?.();
  }

  #view() {
    return recorded(page.state, this.ref.makePicture.checked);
  }

  #add() {
    this.#open = this.#draft.steps.length;
    const step = { title: "", view: this.#view(), say: "" };
    this.#set(withStep(this.#draft, step), `[data-path="steps.${this.#open}.title"]`);
  }

  #move(index, by, to) {
    if (this.#open === index) this.#open += by;
    else if (this.#open === index + by) this.#open -= by;
    const [first, other] = by < 0 ? ["up", "down"] : ["down", "up"];
    const focus = [to(first, index + by), to(other, index + by)];
    this.#set(moved(this.#draft, index, by), focus[0]);
    if (!this.root.contains(document.activeElement)) /** @type {?HTMLElement} */ (this.root.querySelector(focus[1]))?.focus();
  }

  /** Puts another draft in place of this one, which can be had back. */
  #replace(draft, key) {
    const before = isEmpty(this.#draft) ? null : this.#draft;
    this.#open = -1;
    this.#set(draft, before ? "[data-act=undo]" : "[data-path=title]", before);
    this.#said(phrase(key));
  }

  async #openFile() {
    const [file] = this.ref.makeFile.files;
    this.ref.makeFile.value = ""; // so that the same file can be chosen again
    if (!file) return;
    try {
      this.#replace(fromLesson(await readFile(this.base, file, this.signal)), "make_opened");
    } catch (error) {
      if (error.name !== "AbortError") this.#said(error.message);
    }
  }

  /** The lesson as the reader finds it, and its text; null if it refuses it, once that is said at the field. */
  async #read() {
    const { text, fields } = yaml({ ...this.#draft, name: nameFor(this.#draft) });
    this.#wrong("", "");
    try {
      return { lesson: await readText(this.base, text, this.signal), text };
    } catch (error) {
      if (error.name === "AbortError") return null;
      if (error.line) this.#complain(fieldAt(fields, error.line), capital(error.problem));
      else this.#said(error.message);
      return null;
    }
  }

  async #save() {
    const found = await this.#read();
    if (!found) return;
    const name = `${found.lesson.name}.yaml`;
    save(new Blob([found.text], { type: "application/yaml" }), name, this.signal);
    this.#said(phrase("make_saved", { name }));
  }

  async #try(index) {
    const found = await this.#read();
    if (!found) return;
    forget(found.lesson); // or what was answered at the last try would count
    page.update({ begins: { file: new File([found.text], `${found.lesson.name}.yaml`), step: index + 1 } });
  }

  #said(sentence) {
    say(this.ref.makeStatus, sentence);
  }

  /** Says at a field what is wrong with it; "" for all fields. */
  #wrong(path, sentence) {
    for (const each of /** @type {any[]} */ ([...this.root.querySelectorAll("[data-wrong]")])) {
      if (path && each.dataset.wrong !== path) continue;
      say(each, sentence);
      const input = /** @type {HTMLElement} */ (each.previousElementSibling);
      if (sentence) input.setAttribute("aria-describedby", each.id);
      else input.removeAttribute("aria-describedby");
      input.setAttribute("aria-invalid", String(Boolean(sentence)));
    }
  }

  /** Says what a reader found wrong at the field that it is about, or at the nearest one, which gets the focus. */
  #complain(path, sentence) {
    const [, step] = /^steps\.(\d+)/.exec(path) ?? [];
    if (step !== undefined && this.#open !== Number(step)) {
      this.#open = Number(step);
      this.draw();
    }
    const parts = path.split(".");
    const paths = parts.flatMap((_, index) => {
      const at = parts.slice(0, parts.length - index).join(".");
      return [at, `${at}.name`, `${at}.title`];
    });
    const there = paths.find((each) => this.#field(each));
    this.#said(sentence);
    if (!there) return;
    this.#wrong(there, sentence);
    this.#field(there).focus();
  }
}
