import assert from "node:assert/strict";
import { test } from "node:test";

import { choices } from "../../../visualize/web/chooser/choices.js";

/** What a chooser sends, and when it says that it works or is done. */
function watched() {
  const told = [];
  const chosen = choices({
    send: ({ picture, model }) => told.push(`send ${picture} ${model}`),
    working: (newer) => told.push(newer ? "newer" : "working"),
    settled: () => told.push("settled"),
  });
  return { chosen, since: () => told.splice(0) };
}

test("what is chosen while the page opens waits for that", () => {
  const { chosen, since } = watched();
  chosen.choose({ picture: "a" });
  assert.deepEqual(since(), ["newer"]);
  chosen.answered();
  assert.deepEqual(since(), ["send a null"]);
  chosen.answered();
  assert.deepEqual(since(), ["settled"]);
});

test("one is sent at a time, and of those chosen meanwhile the newest picture and the newest model", () => {
  const { chosen, since } = watched();
  chosen.answered();
  chosen.choose({ picture: "a" });
  for (const each of [{ picture: "b" }, { model: "x" }, { picture: "c" }, { model: "y" }]) chosen.choose(each);
  assert.deepEqual(since(), ["settled", "working", "send a null", "newer", "newer", "newer", "newer"]);
  chosen.answered();
  assert.deepEqual(since(), ["send c y"]);
  chosen.choose({ model: "z" });
  chosen.answered();
  chosen.answered();
  chosen.answered(); // of what somebody else sent
  assert.deepEqual(since(), ["newer", "send null z", "settled", "settled"]);
});

test("the same again is sent without anything that changes", () => {
  const { chosen, since } = watched();
  chosen.answered();
  chosen.choose({});
  assert.deepEqual(since(), ["settled", "working", "send null null"]);
});
