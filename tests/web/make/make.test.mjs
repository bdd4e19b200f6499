// A lesson that is being made: its changes, and its file, which test_make_js.py reads.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import {
  changed,
  empty,
  fromLesson,
  isEmpty,
  moved,
  nameFor,
  restored,
  valueAt,
  withoutStep,
  withStep,
} from "../../../visualize/web/lesson/make/draft.js";
import { askOf, kindOf, measureOf, measuresOf, OWN, parameter, withQuestion } from "../../../visualize/web/lesson/make/questions.js";
import { initial } from "../../../visualize/web/explorer/state.js";
import { recorded } from "../../../visualize/web/lesson/make/record.js";
import { fieldAt, yaml } from "../../../visualize/web/lesson/make/yaml.js";

import { CHOICES, MEASURES } from "../../../visualize/web/choices.js";

const folder = process.env.MAKE_CASES;

test("lessons are written for the reader", () => {
  const lessons = JSON.parse(readFileSync(join(folder, "lessons.json"), "utf8"));
  writeFileSync(join(folder, "written.json"), JSON.stringify(lessons.map((lesson) => yaml(lesson).text)));
});

test("every line knows its field, so that what a reader says of it stands beside that field", () => {
  const ask = { text: "Which?", kind: "choice", options: ["one", "two"], right: 2 };
  const measured = { text: "How far?", kind: "number", measure: { name: "distance", stage: 3 } };
  const draft = {
    ...empty(),
    title: "Mine",
    steps: [
      { title: "First", ask },
      { say: "Look.", ask: measured, after: measured },
    ],
  };
  const { text, fields } = yaml(draft);
  const lines = text.trimEnd().split("\n");
  assert.equal(lines.length, fields.length);
  const at = (path) => lines.flatMap((line, index) => (fields[index] === path ? [line.trim()] : []));
  assert.deepEqual(at("title"), ["title: Mine"]);
  assert.deepEqual(at("steps.0.title"), ["- title: First"]);
  assert.deepEqual(at("steps.0.ask.options"), ["options:", "- one", "- two"]);
  assert.deepEqual(at("steps.1.say"), ["say: Look."]);
  assert.deepEqual(at("steps.0.say"), ['say: ""']); // what is needed has a line of its own, even if it is missing
  assert.deepEqual(at("name"), ['name: ""']);
  assert.deepEqual(at("steps.1.after.measure"), ["measure: {name: distance, stage: 3}"]);
  assert.equal(fieldAt(fields, 1), "format");
  assert.equal(fieldAt(fields, 1000), "steps.1.after.measure");
  assert.equal(valueAt(draft, fieldAt(fields, fields.indexOf("steps.1.ask.text") + 1)), "How far?");
});

test("steps are added, moved, changed and taken away, and the draft before stays", () => {
  const one = withStep(withStep(withStep(empty(), { title: "a" }), { title: "b" }), { title: "c" });
  const titles = (draft) => draft.steps.map(({ title }) => title).join("");
  const kept = structuredClone(one);
  assert.equal(titles(moved(one, 0, 1)), "bac");
  assert.equal(titles(moved(one, 2, -2)), "cab");
  assert.equal(moved(one, 2, 1), one);
  assert.equal(moved(one, 0, -1), one);
  assert.equal(titles(withoutStep(one, 1)), "ac");
  const asked = changed(one, "steps.1.ask.measure.name", "distance");
  assert.equal(valueAt(asked, "steps.1.ask.measure.name"), "distance");
  assert.equal(valueAt(changed(asked, "steps.1.ask", undefined), "steps.1.ask"), undefined);
  assert.equal(valueAt(one, "steps.1.ask.measure.name"), undefined);
  assert.equal(valueAt(one, "steps.7.constructor"), undefined);
  assert.deepEqual(one, kept);
});

test("a draft is restored from what the browser kept, and from nothing else", () => {
  const draft = withStep({ ...empty(), title: "Mine" }, { title: "a" });
  assert.deepEqual(restored(JSON.stringify(draft)), draft);
  for (const text of [null, "", "{", "[]", "null", '{"format":2,"steps":[]}', '{"format":1}', '{"format":1,"steps":[1]}']) {
    assert.equal(restored(text), null);
  }
  assert.ok(isEmpty(empty()) && !isEmpty(draft));
  assert.deepEqual(fromLesson({ ...draft, digest: "00000000", own: true }), draft);
});

test("a file and a link get a name of the title", () => {
  const of = (title, name = "") => nameFor({ name, title });
  assert.equal(of("Wo schaut die Nase hin? Größe 2"), "wo-schaut-die-nase-hin-gro-e-2");
  assert.equal(of("Élan vital"), "elan-vital");
  assert.equal(of("李"), "lesson");
  assert.equal(of("x".repeat(39) + " y"), "x".repeat(39));
  assert.equal(of("any", "given"), "given");
});

test("a question begins with every parameter that it needs, from the step's link where that says it", () => {
  for (const [name, { takes, optional }] of Object.entries(MEASURES)) {
    const measure = measureOf(name);
    for (const each of takes) assert.ok(optional.includes(each) || measure[each] !== undefined, `${name} ${each}`);
    assert.ok(measuresOf(MEASURES[name].kind).includes(name));
  }
  const view = "tab=break&stage=2&block=3&head=1&cls=0&off=1.1.mlp";
  assert.deepEqual(measureOf("attention", view), { name: "attention", stage: 2, block: 3, head: 1, token: "held" });
  assert.deepEqual(measureOf("probability", view), { name: "probability" });
  assert.deepEqual(measureOf("exactly-shifted"), { name: "exactly-shifted", right: 16 });
  assert.deepEqual(["3", "last", "3.8.mlp", ""].map(parameter), [3, "last", "3.8.mlp", undefined]);
  const own = askOf(OWN, askOf("number", { text: "Which?" }));
  assert.deepEqual([kindOf(own), own.text, kindOf(askOf("", own)), kindOf(askOf("cells"))], [OWN, "Which?", "", "cells"]);
  assert.equal(askOf("cells").count, 3);
  const draft = { ...empty(), steps: [{ ask: own, show: "tab=break", after: own }] };
  assert.deepEqual(withQuestion(draft, "steps.0.after", "").steps, [{ ask: own, show: "tab=break" }]);
  assert.deepEqual(withQuestion(draft, "steps.0.ask", "").steps, [{}]);
});

test("a step says of the page what its link leaves out", () => {
  const stages = [1, 2].map(() => ({ depth: 2, heads: 2, width: 8, query: { shape: [4, 4], step: 4, offset: 2 }, cls: true }));
  const choices = {
    stage: 1,
    blocks: [1, 1],
    heads: [-1, -1],
    channels: [null, null],
    which: 0,
    cls: false,
    depth: "none",
    layer: "features",
  };
  const shown = { result: { stages, input: [16, 16] }, state: { ...initial(stages, [16, 16]), ...choices } };
  const state = {
    tab: "explore", model: "mine", picture: { example: "koala", first: false }, view: { main: shown, before: shown }, architecture: null,
    experiment: "knock", off: "2.1.mlp", how: CHOICES.how.default, linked: null,
  }; // prettier-ignore
  const read = (query) => Object.fromEntries(new URLSearchParams(query));
  assert.deepEqual(read(recorded(state)), { tab: "explore", stage: "2", layer: "features", depth: "none", cls: "0" });
  const named = read(recorded(state, true));
  assert.deepEqual([named.model, named.picture], ["mine", "koala"]);
  assert.equal(read(recorded({ ...state, picture: { first: true } }, true)).picture, undefined); // one's own cannot be in a link
  const broken = read(recorded({ ...state, tab: "break" }));
  assert.deepEqual([broken.tab, broken.experiment, broken.off, broken.stage], ["break", "knock", "2.1.mlp", "2"]);
  const linked = { pairs: [["s1.kv", "1"]] };
  assert.deepEqual(read(recorded({ ...state, tab: "architecture", linked })), { tab: "architecture", "s1.kv": "1" });
  assert.deepEqual(read(recorded({ ...state, tab: "architecture", ablation: "mean" })), { tab: "architecture", ablation: "mean" });
});
