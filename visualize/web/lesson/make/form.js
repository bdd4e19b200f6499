// The fields of a lesson that is being made. Each field has the path of what it holds in the draft, and a place for what is wrong.

import { MEASURE_VALUES, MEASURES, POINTS } from "../../choices.js";
import { make } from "../../shared/dom.js";
import { kindWords, measureWords, parameterWords, stepWords } from "../../words/make.js";
import { phrase } from "../../words/phrase.js";
import { kindOf, KINDS, measuresOf, OWN } from "./questions.js";

let count = 0; // for ids

/**
 * A labelled field.
 * @param {string} path
 * @param {string} label
 * @param {any} input
 * @param {string} [as] how its text is read: "text", "number", "lines", "parameter", or a change of structure: "kind", "measure"
 */
function field(path, label, input, as = "text") {
  const id = `cvt-make-${++count}`;
  input.id = id;
  Object.assign(input.dataset, { path, as });
  const wrong = make("p", { class: "cvt-make-wrong", id: `${id}-wrong`, "data-wrong": path });
  return make("div", { class: "cvt-make-field" }, make("label", { for: id, text: label }), input, wrong);
}

const text = (value, more = {}) => make("input", { type: "text", value: value ?? "", autocomplete: "off", ...more });
const number = (value, limits) => make("input", { type: "number", value: value ?? "", ...limits });

function area(value, rows) {
  const element = make("textarea", { rows });
  element.value = value ?? "";
  return element;
}

/** A select of [value, label]. */
function select(value, options) {
  const element = make("select", {}, ...options.map(([each, label]) => make("option", { value: each, text: label })));
  element.value = value ?? "";
  return element;
}

const action = (act, path, label, more = {}) =>
  make("button", { type: "button", class: "cvt-toggle", "data-act": act, "data-at": path, text: label, ...more });

/** The fields of the whole lesson. `usual`: the name that it has if none is given. */
export const lessonFields = (draft, usual) =>
  make(
    "div",
    { class: "cvt-make-fields" },
    field("title", phrase("make_title"), text(draft.title, { maxlength: 80 })),
    field("name", phrase("make_name"), text(draft.name, { maxlength: 40, placeholder: usual, spellcheck: "false" })),
    field("minutes", phrase("make_minutes"), number(draft.minutes, { min: 1, max: 60 }), "number"),
  );

/** The fields of a step. */
export function stepFields(step, path) {
  const at = (name) => `${path}.${name}`;
  const points = [["", phrase("make_no_point")], ...POINTS.map((each) => [each, each])];
  return make(
    "div",
    { class: "cvt-make-fields" },
    field(at("title"), phrase("make_step_title"), text(step.title, { maxlength: 80 })),
    field(at("say"), phrase("make_say"), area(step.say, 3)),
    field(at("do"), phrase("make_do"), area(step.do, 2)),
    field(at("view"), phrase("make_view"), text(step.view, { spellcheck: "false" })),
    action("take", at("view"), phrase("make_take")),
    field(at("point"), phrase("make_point"), select(step.point, points)),
    question(step.ask, at("ask"), "ask"),
    ...(step.ask
      ? [field(at("show"), phrase("make_show"), text(step.show, { spellcheck: "false" })), action("take", at("show"), phrase("make_take"))]
      : []),
    ...(step.ask ? [question(step.after, at("after"), "after")] : []),
  );
}

function question(ask, path, part) {
  const kinds = [["", phrase("make_no_question")], ...KINDS[part].map((each) => [each, kindWords(each)])];
  const kind = kindOf(ask);
  const label = phrase(part === "ask" ? "make_ask" : "make_after");
  return make(
    "fieldset",
    { class: "cvt-make-fields" },
    make("legend", { text: label }),
    field(path, phrase("make_kind"), select(kind, kinds), "kind"),
    ...(ask ? [field(`${path}.text`, phrase("make_text"), area(ask.text, 2)), ...answers(ask, path, kind)] : []),
  );
}

/** What grades a question. */
function answers(ask, path, kind) {
  if (kind === OWN) {
    return [
      field(`${path}.options`, phrase("make_options"), area(ask.options.join("\n"), 3), "lines"),
      field(`${path}.right`, phrase("make_right"), number(ask.right, { min: 1, max: 6 }), "number"),
    ];
  }
  const measure = `${path}.measure`;
  const more = {
    cells: () => [field(`${path}.count`, phrase("make_count"), number(ask.count, { min: 1, max: 9 }), "number")],
    number: () => [
      field(
        `${path}.tolerance`,
        phrase("make_tolerance"),
        number(ask.tolerance, { min: 0.01, max: 1, step: 0.01, placeholder: 0.25 }),
        "number",
      ),
    ],
  };
  const names = measuresOf(kind).map((each) => [each, measureWords(each)]);
  return [
    field(`${measure}.name`, phrase("make_measure"), select(ask.measure?.name, names), "measure"),
    ...(MEASURES[ask.measure?.name]?.takes ?? []).map((each) => parameter(ask.measure, each, measure)),
    ...(more[kind]?.() ?? []),
  ];
}

function parameter(measure, name, path) {
  const { optional } = MEASURES[measure.name];
  const label = parameterWords(name, optional.includes(name));
  const values = MEASURE_VALUES[name]?.map((each) => [each, each]);
  const input = values
    ? select(measure[name], [...(optional.includes(name) ? [["", "–"]] : []), ...values])
    : text(measure[name], { spellcheck: "false" });
  return field(`${path}.${name}`, label, input, "parameter");
}

/** The row of a step: it opens its fields, and is moved, tried and deleted. */
export function stepRow(step, index, steps, open) {
  const at = String(index);
  const named = { step: index + 1 };
  return make(
    "div",
    { class: "cvt-make-row" },
    make(
      "button",
      { type: "button", class: "cvt-make-step", "data-act": "open", "data-at": at, "aria-expanded": String(open) },
      stepWords(index, step),
    ),
    action("up", at, "↑", { "aria-label": phrase("make_up", named), disabled: index === 0 }),
    action("down", at, "↓", { "aria-label": phrase("make_down", named), disabled: index === steps - 1 }),
    action("try", at, phrase("make_try"), { "aria-label": phrase("make_try_step", named) }),
    action("delete", at, phrase("make_delete"), { "aria-label": phrase("make_delete_step", named) }),
  );
}
