// The controls of the stages: native ranges, selects and checkboxes, one row per setting, built from the server's table of settings.

import { make, say } from "../shared/dom.js";
import { choices, differs, indexOf, withValue } from "./architecture.js";
import { valueWords } from "../words/laboratory.js";
import { phrase } from "../words/phrase.js";

// Groups of settings in the order of computation; settings in no group come last.
/** @type {[string, string, string[]][]} */
const GROUPS = [
  ["embedding", phrase("group_embedding"), ["patch_sizes", "patch_stride", "patch_padding", "embed_dim", "cls_token"]],
  ["projection", phrase("group_projection"), ["qkv_projection_method", "kernel_qkv", "stride_kv", "qkv_bias"]],
  ["blocks", phrase("group_blocks"), ["depth", "num_heads", "mlp_ratio"]],
];

/** The settings in groups: [[group, heading, settings]]. */
function grouped(settings) {
  const named = GROUPS.flatMap(([, , names]) => names);
  const rest = settings.filter((each) => !named.includes(each.name));
  const groups = GROUPS.map(([group, heading, names]) => [
    group,
    heading,
    names.map((name) => settings.find((each) => each.name === name)).filter(Boolean),
  ]);
  return [...groups, ["more", phrase("group_more"), rest]].filter(([, , each]) => each.length);
}

/** One stage's controls; `reflect` makes them show a state. */
export function stageControls(laboratory, stage) {
  const rows = [];
  const element = make("div", { class: "cvt-lab-controls" });
  for (const [group, heading, settings] of grouped(laboratory.about.settings)) {
    const part = make(
      "div",
      { role: "group", "aria-label": phrase("of_stage", { name: heading, stage: stage + 1 }), "data-group": group },
      make("h4", { text: heading }),
    );
    for (const setting of settings) {
      const row = settingRow(laboratory, stage, setting);
      rows.push(row);
      part.append(row.element);
    }
    element.append(part);
  }
  return { element, reflect: () => rows.forEach((row) => row.reflect()) };
}

function settingRow(laboratory, stage, setting) {
  const { name, idle } = setting;
  const current = () => laboratory.state.stages[stage][name];
  const without = () => idle !== null && laboratory.state.stages[stage][idle[0]] === idle[1];
  const base = laboratory.about.base.stages[stage]?.[name];
  const values = choices({ values: choices(setting, current()) }, base ?? current());
  const set = (value) => laboratory.change(withValue(laboratory.state, stage, name, value, laboratory.about), [stage, name]);
  const label = phrase("of_stage", { name: setting.label, stage: stage + 1 });
  const input = control(values, label, set);
  const output = make("output", { "aria-hidden": "true" });
  const help = explanation(setting);
  const element = make(
    "div",
    { class: "cvt-lab-setting", "data-setting": name },
    make("label", { text: setting.label, "aria-hidden": "true" }),
    input,
    output,
    help.button,
    help.text,
  );
  const origin = base === undefined ? phrase("no_such_stage") : phrase("baseline_value", { value: valueWords(base) });
  function reflect() {
    const value = current();
    const changed = differs(laboratory.state, laboratory.about, stage, name);
    show(input, values, value);
    input.disabled = without();
    say(output, input.type === "range" ? valueWords(value) : "");
    element.toggleAttribute("data-changed", changed);
    element.title = input.disabled ? phrase("without_effect", { value: valueWords(idle[1]) }) : changed ? origin : "";
  }
  return { element, reflect };
}

/** A switch for booleans, a slider for numbers, else a list. */
function control(values, label, set) {
  if (values.every((each) => typeof each === "boolean")) {
    return make("input", { type: "checkbox", "aria-label": label, onchange: (event) => set(event.target.checked) });
  }
  if (values.every((each) => typeof each === "number")) {
    return make("input", {
      type: "range",
      min: 0,
      max: values.length - 1,
      step: 1,
      "aria-label": label,
      oninput: (event) => set(values[Number(event.target.value)]),
    });
  }
  return make(
    "select",
    { "aria-label": label, onchange: (event) => set(values[event.target.selectedIndex]) },
    ...values.map((each) => make("option", { text: valueWords(each) })),
  );
}

function show(input, values, value) {
  const index = indexOf(values, value);
  if (input.type === "checkbox") input.checked = value;
  else if (input.type === "range") {
    if (Number(input.value) !== index) input.value = index;
    input.setAttribute("aria-valuetext", valueWords(value));
    input.style.setProperty("--at", values.length > 1 ? index / (values.length - 1) : 0);
  } else input.selectedIndex = index;
}

let explained = 0; // counts over the page: ids must be unique

/** A sentence on a setting's meaning and one on the paper's findings, opened by a button. */
function explanation({ label, meaning, paper }) {
  const id = `cvt-lab-why-${explained++}`;
  const text = make("p", { id, class: "cvt-sub", hidden: true, text: [meaning, paper].filter(Boolean).join(" ") });
  const button = make("button", {
    type: "button",
    class: "cvt-lab-why",
    "aria-expanded": "false",
    "aria-controls": id,
    "aria-label": phrase("what_is", { label: label.toLowerCase() }),
    text: "?",
    onclick: () => {
      text.hidden = !text.hidden;
      button.setAttribute("aria-expanded", !text.hidden);
    },
  });
  return { button, text };
}
