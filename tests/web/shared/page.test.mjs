import assert from "node:assert/strict";
import { test } from "node:test";

import { store } from "../../../visualize/web/shared/page.js";

test("a listener gets each change with the state before it, until it unsubscribes", () => {
  const page = store({ tab: "a", model: null });
  const heard = [];
  const leave = page.subscribe((now, before) => heard.push([before.tab, now.tab]));
  page.update({ tab: "b" });
  page.update({ tab: "b" }); // nothing new
  page.update({ model: "x" });
  leave();
  page.update({ tab: "c" });
  assert.deepEqual(heard, [
    ["a", "b"],
    ["b", "b"],
  ]);
  assert.deepEqual(page.state, { tab: "c", model: "x" });
});

test("states are never changed in place", () => {
  const page = store({ tab: "a" });
  const first = page.state;
  page.update({ tab: "b" });
  assert.deepEqual(first, { tab: "a" });
});

test("an update made by a listener applies at once and is notified after the one before it, in one order to all", () => {
  const page = store({ count: 0 });
  const heard = { one: [], two: [] };
  page.subscribe((now, before) => {
    heard.one.push([before.count, now.count]);
    if (now.count < 3) page.update({ count: now.count + 1 });
    assert.equal(page.state.count, Math.min(3, now.count + 1));
  });
  page.subscribe((now, before) => heard.two.push([before.count, now.count]));
  page.update({ count: 1 });
  assert.deepEqual(heard.one, [
    [0, 1],
    [1, 2],
    [2, 3],
  ]);
  assert.deepEqual(heard.two, heard.one);
});

test("a listener that unsubscribes meanwhile is not called; an error in one does not affect the others", () => {
  const page = store({ count: 0 });
  const heard = [];
  const reported = [];
  globalThis.reportError = (error) => reported.push(error.message);
  page.subscribe(() => {
    throw new Error("broken");
  });
  page.subscribe(() => leave());
  const leave = page.subscribe(() => heard.push("left"));
  page.subscribe(() => heard.push("stays"));
  page.update({ count: 1 });
  page.update({ count: 2 });
  assert.deepEqual(heard, ["stays", "stays"]);
  assert.deepEqual(reported, ["broken", "broken"]);
  delete globalThis.reportError;
});
