import assert from "node:assert/strict";
import { test } from "node:test";

import { POINTS as NAMES } from "../../../visualize/web/choices.js";
import { withNumbers } from "../../../visualize/web/lesson/last.js";
import { answered } from "../../../visualize/web/lesson/measures/common.js";
import { POINTS } from "../../../visualize/web/lesson/points.js";
import { forget, keep, progressOf } from "../../../visualize/web/lesson/progress.js";
import { readLink } from "../../../visualize/web/lesson/read.js";
import { veiled } from "../../../visualize/web/lesson/veil.js";
import { gapWords, marked, numberWords, progressWords } from "../../../visualize/web/words/lesson.js";

test("the server's table and the scripts name the same points", () => {
  assert.deepEqual(Object.keys(POINTS).sort(), [...NAMES].sort());
});

test("last is the shown model's last stage, and the last block of the link's stage or of the shown one", () => {
  const stages = [{ depth: 1 }, { depth: 4 }, { depth: 16 }];
  assert.equal(withNumbers("stage=last&block=last", stages, 1), "stage=3&block=16");
  assert.equal(withNumbers("block=last&layer=class", stages, 2), "block=4&layer=class");
  assert.equal(withNumbers("stage=1&block=last", stages, 2), "stage=1&block=1");
  assert.equal(withNumbers("stage=2&head=1", stages, 1), "stage=2&head=1");
});

test("what would tell the answer is hidden", () => {
  const ask = (kind) => ({ text: "?", kind });
  assert.deepEqual(veiled({ view: "tab=explore&layer=attention", ask: ask("cells") }), ["picture"]);
  assert.deepEqual(veiled({ view: "tab=break&experiment=reach", ask: ask("number") }), ["experiment"]);
  assert.deepEqual(veiled({ view: "tab=architecture&preset=linear", ask: ask("choice") }), ["variant"]);
  assert.deepEqual(veiled({ view: "tab=break&experiment=knock", ask: ask("choice") }), []); // which shows what a person switches
  assert.deepEqual(veiled({ view: "tab=break&experiment=reach" }), []);
});

test("the first word for each term opens it, the longest one first", () => {
  assert.equal(marked("A cls token is a token. Tokens look."), "A [cls token|cls_token] is a [token|token]. Tokens look.");
  assert.equal(marked("Heads, blocked and [a|b]"), "[Heads|head], blocked and ab");
});

const spaced = (text) => text.replaceAll("\u202f", " ");

test("numbers have their units, and a gap says in which direction", () => {
  assert.deepEqual(
    [
      numberWords(7, "px"),
      numberWords(44.63, "px"),
      numberWords(48.2, "percent"),
      numberWords(1.594, "times"),
      numberWords(1440, "count"),
    ].map(spaced),
    ["7 px", "44.6 px", "48 %", "1.59 times", "1 440"],
  );
  const gap = (ask, answer, gap, unit) => spaced(gapWords(ask, answer, {}, { gap }, { unit }));
  const number = { kind: "number" };
  assert.equal(gap(number, 20, -24.6, "px"), "You said 20 px: 24.6 px too few.");
  assert.equal(gap(number, 3, 1.4, "times"), "You said 3 times: 1.4 too high.");
  assert.equal(gap(number, 60, 12, "percent"), "You said 60 %: 12 points too high.");
  assert.equal(gap(number, 9, 0, "count"), "You said 9, exactly.");
  assert.equal(gap(number, null, null, "px"), "");
  assert.equal(gap({ kind: "choice" }, "a", null), "");
  const cells = { chosen: 0.12, best: 0.3, uniform: 0.06 };
  assert.match(gap({ kind: "cells", count: 3 }, [1, 2, 3], cells), /have 12 %.*3 have 30 %.*3 at random have 6\.0 %/);
});

test("progress is kept for one text of a lesson, and lessons work without storage", () => {
  const [lesson, changed] = ["1", "2"].map((digest) => ({ name: "far", digest, steps: [{}, {}] }));
  const nothing = { step: 0, done: [], answers: {} };
  assert.deepEqual(progressOf(lesson), nothing); // there is no storage here
  keep(lesson, { step: 1, done: [], answers: {} });
  const stored = new Map();
  globalThis.localStorage = { getItem: (key) => stored.get(key) ?? null, setItem: (key, text) => stored.set(key, text) };
  try {
    const kept = {
      step: 2,
      done: [1],
      answers: { "1.ask": { value: 3, right: true, score: 1 }, "1.after": { value: null, right: false, score: 0 } },
    };
    keep(lesson, kept);
    assert.deepEqual(progressOf(lesson), kept);
    assert.equal(progressWords(lesson, kept), "1 of 2 steps done · 1 of 1 predictions right");
    assert.deepEqual(progressOf(changed), nothing);
    forget(lesson);
    assert.deepEqual(progressOf(lesson), nothing);
    for (let each = 0; each < 150; each++) keep({ name: `own-${each}`, digest: "1" }, kept);
    const names = Object.keys(JSON.parse(stored.get("cvt-lessons")));
    assert.deepEqual([names.length, names.at(-1)], [100, "own-149"]); // the browser's room is not filled
    stored.set("cvt-lessons", "{");
    assert.deepEqual(progressOf(lesson), nothing);
  } finally {
    delete globalThis.localStorage;
  }
});

test("what a step that was left asked the server is asked anew, what it heard is kept", async () => {
  const [left, open] = [new AbortController(), new AbortController()];
  const asked = [];
  const run = (signal) => () => new Promise((...settle) => asked.push({ signal, settle }));
  const of = ({ signal }) => answered({ result, signal, run: run(signal) }, "lens");
  const result = {};
  const first = of(left);
  left.abort();
  const second = of(open);
  const [one, two] = asked;
  one.settle[1](new DOMException("", "AbortError")); // only now
  await assert.rejects(first, { name: "AbortError" });
  two.settle[0]("heard");
  assert.equal(await second, "heard");
  open.abort();
  assert.equal(await of(left), "heard");
  assert.equal(asked.length, 2);
});

test("of a file at an address no more is read than a lesson may have", async () => {
  const keep = globalThis.fetch;
  let [sent, ended] = [0, false];
  const pull = (controller) => {
    sent += 1000;
    controller.enqueue(new Uint8Array(1000).fill(35));
  };
  globalThis.fetch = async () => new Response(new ReadableStream({ pull, cancel: () => void (ended = true) }));
  try {
    await assert.rejects(readLink("/lessons/", "https://a.test/b.yaml", new AbortController().signal), /larger than 64 kB/);
    assert.ok(ended && sent < 1e5, String(sent));
  } finally {
    globalThis.fetch = keep;
  }
});
