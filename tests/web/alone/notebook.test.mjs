import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { choices } from "../../../visualize/web/alone/choices.js";
import { kernel } from "../../../visualize/web/alone/kernel.js";
import { themeOf } from "../../../visualize/web/alone/theme.js";
import { initial } from "../../../visualize/web/explorer/state.js";

/** A widget's model: `sent` has the messages, `saved` what was saved. */
function modelOf(values) {
  const listeners = [];
  const model = {
    sent: [],
    saved: [],
    get: (name) => values[name],
    set(name, value) {
      values[name] = value;
      model.tell(`change:${name}`);
    },
    /** New values of Python's: all are there before anybody hears. */
    update(changes) {
      Object.assign(values, changes);
      for (const name of Object.keys(changes)) model.tell(`change:${name}`);
    },
    save_changes: () => model.saved.push(structuredClone(values._chosen)),
    send: (message) => model.sent.push(message),
    on: (name, listener) => listeners.push([name, listener]),
    off: (name, listener) =>
      listeners.splice(
        listeners.findIndex((each) => each[0] === name && each[1] === listener),
        1,
      ),
    tell: (name, ...values) => listeners.filter((each) => each[0] === name).forEach((each) => each[1](...values)),
    listeners,
  };
  return model;
}

const bytes = (...values) => new DataView(Uint8Array.from([9, 9, ...values, 9]).buffer, 2, values.length);

test("the kernel answers whoever asked, and is given up if it is silent", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const stop = new AbortController();
  const model = modelOf({ _result: { key: "1" }, _payload: bytes(1, 2, 3) });
  const [{ source, saved }, { source: other }] = [kernel(model, stop.signal), kernel(model, stop.signal)];
  assert.deepEqual([...new Uint8Array(await source.result("1"))], [1, 2, 3]);
  assert.equal(await source.result("0"), null);

  const answers = [source.block("1", 2, 0), other.inside("1", 1, 1), source.inside("1", 0, 0), source.inside("1", 0, 9)];
  const [first, second, third, fourth] = model.sent;
  assert.deepEqual({ ...second, id: 0 }, { id: 0, key: "1", what: "inside", stage: 1, block: 1 });
  assert.equal(new Set(model.sent.map(({ id }) => id)).size, 4);
  const silent = assert.rejects(answers[2], /does not answer/);
  model.tell("msg:custom", { id: fourth.id, problem: "No block 9." });
  await assert.rejects(answers[3], /^Error: No block 9\.$/);
  model.tell("msg:custom", { id: second.id, begun: true });
  model.tell("msg:custom", { id: first.id }, [bytes(7)]);
  assert.deepEqual([...new Uint8Array(await answers[0])], [7]);
  mock.timers.tick(10_000);
  await silent; // it has not even begun
  model.tell("msg:custom", { id: third.id }, [bytes(5)]); // too late
  model.tell("msg:custom", { id: second.id }, [bytes(8)]);
  assert.deepEqual([...new Uint8Array(await answers[1])], [8]);
  const page = saved({ key: "1", state: { stage: 2 } });
  const wanted = model.sent.at(-1);
  assert.deepEqual({ ...wanted, id: 0 }, { id: 0, key: "1", what: "page", state: { stage: 2 } });
  model.tell("msg:custom", { id: wanted.id }, [bytes(60, 112)]);
  assert.equal(await (await page).text(), "<p");
  const ended = assert.rejects(source.block("1", 0, 0));
  stop.abort();
  await ended;
  assert.equal(model.listeners.length, 0);
  mock.timers.reset();
});

const grid = (side, stride) => ({
  shape: [side, side],
  first: [stride / 2, stride / 2],
  stride: [stride, stride],
  field: [stride, stride],
});
const stages = [
  { depth: 1, heads: 1, width: 4, cls: false, query: grid(16, 4), key: grid(8, 8) },
  { depth: 2, heads: 2, width: 8, cls: true, query: grid(8, 8), key: grid(4, 16) },
];

/** A view of a model, which has drawn its result. */
function viewOf(model, signal) {
  const host = choices(model, signal);
  const explorer = {
    key: "1",
    result: { stages, input: [64, 64] },
    state: initial(stages, [64, 64]),
    load: (value) => (explorer.key = value.key),
    set(changes) {
      explorer.state = { ...explorer.state, ...changes };
      host.chosen();
    },
  };
  host.ready(explorer);
  host.shown();
  return { explorer, host };
}

test("views and Python are in step, and nothing goes round in circles", () => {
  const stop = new AbortController();
  const state = { part: "stage", stage: 1, blocks: [0, 1], heads: [-1, -1], cls: false, view: "token", layer: "attention", y: 32, x: 32 };
  const model = modelOf({ _result: { key: "1" }, _asked: { count: 1, key: "1", changes: state, state }, _chosen: { count: 0 } });
  const one = viewOf(model, stop.signal);
  assert.equal(model.saved.length, 1);
  assert.equal(model.saved[0].count, 1);
  const two = viewOf(model, stop.signal);
  assert.equal(model.saved.length, 1); // it shows the same
  one.explorer.set({ x: 10, y: 20 });
  one.explorer.set({ x: 11, y: 21 }); // the same token
  assert.deepEqual([two.explorer.state.x, two.explorer.state.y], [10, 20]);
  assert.equal(model.saved.length, 2);
  two.explorer.set({ which: 2, layer: "class" });
  assert.equal(one.explorer.state.which, 2);
  assert.equal(model.saved.length, 3);

  model.update({ _asked: { count: 2, key: "1", changes: { part: "stage", stage: 0 }, state: { ...state, stage: 0 } } });
  for (const { explorer } of [one, two]) {
    assert.deepEqual([explorer.state.stage, explorer.state.x, explorer.state.layer], [0, explorer.state.x, "class"]); // only what is asked
  }
  assert.equal(model.saved.length, 4);
  assert.deepEqual([model.saved[3].count, model.saved[3].state.stage], [2, 0]);
  const late = viewOf(model, stop.signal); // the same widget displayed once more
  assert.deepEqual([late.explorer.state.stage, late.explorer.state.which, late.explorer.state.y], [0, 2, one.explorer.state.y]);
  assert.equal(model.saved.length, 4);

  // another picture: choices wait until it is drawn
  const next = { ...state, stage: 1, y: 1, x: 1 };
  model.update({ _result: { key: "2" }, _asked: { count: 3, key: "2", changes: next, state: next }, _chosen: { count: 0 } });
  const views = [one, two, late];
  for (const { host } of views) host.shown();
  assert.equal(model.saved.length, 5);
  for (const { explorer } of views) assert.deepEqual([explorer.key, explorer.state.stage, explorer.state.y], ["2", 1, 1]);
  stop.abort();
  assert.equal(model.listeners.length, 0);
});

test("a zoomed view goes where Python chooses", () => {
  const stop = new AbortController();
  const state = { stage: 0, blocks: [0, 1], heads: [-1, -1], y: 2, x: 2 };
  const model = modelOf({ _result: { key: "1" }, _asked: { count: 1, key: "1", changes: state, state }, _chosen: { count: 0 } });
  const { explorer } = viewOf(model, stop.signal);
  explorer.set({ zoom: 4, focus: { y: 8, x: 8 } });
  model.update({ _asked: { count: 2, key: "1", changes: { y: 60, x: 60 }, state: { ...state, y: 60, x: 60 } } });
  assert.deepEqual(explorer.state.focus, { y: 60, x: 60 });
});

/** A page's element with attributes and classes, as far as they are asked. */
const element = (attributes = {}, classes = []) => ({
  dataset: Object.fromEntries(
    Object.entries(attributes)
      .filter(([name]) => name.startsWith("data-"))
      .map(([name, value]) => [name.slice(5).replace(/-(.)/g, (_, letter) => letter.toUpperCase()), value]),
  ),
  attributes: { getNamedItem: (name) => (name in attributes ? { value: attributes[name] } : null) },
  classList: { contains: (name) => classes.includes(name) },
});

for (const [name, documentElement, body, expected] of [
  ["JupyterLab, light", element(), element({ "data-jp-theme-light": "true" }), "light"],
  ["JupyterLab, dark", element(), element({ "data-jp-theme-light": "false" }), "dark"],
  ["VS Code, light", element(), element({ "data-vscode-theme-kind": "vscode-light" }, ["vscode-light"]), "light"],
  ["VS Code, dark", element(), element({ "data-vscode-theme-kind": "vscode-dark" }, ["vscode-dark"]), "dark"],
  ["VS Code, high contrast", element(), element({ "data-vscode-theme-kind": "vscode-high-contrast" }), "dark"],
  ["VS Code, light high contrast", element(), element({ "data-vscode-theme-kind": "vscode-high-contrast-light" }), "light"],
  ["VS Code by its class", element(), element({}, ["vscode-dark"]), "dark"],
  ["Colab, dark", element({ theme: "dark" }), element(), "dark"],
  ["marimo, dark", element({}, ["dark"]), element({ "data-theme": "dark" }, ["dark"]), "dark"],
  ["marimo, light", element({}, ["light"]), element({ "data-theme": "light" }), "light"],
  ["a page that says nothing", element(), element({}, ["notebook"]), null],
]) {
  test(`the theme of ${name}`, () => assert.equal(themeOf({ documentElement, body }), expected));
}
