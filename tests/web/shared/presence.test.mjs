import assert from "node:assert/strict";
import { test } from "node:test";

import { answerWith } from "../../../visualize/web/shared/http.js";
import { CALM, presence, SOON } from "../../../visualize/web/shared/presence.js";

const turn = () => new Promise((done) => setImmediate(done));

/**
 * What is told while the server gives these names, one after the other, null where it does not answer; and the waits between.
 * `doubted`: the number of the question that is asked since somebody else had no answer.
 */
async function told(names, awaited = false, doubted = -1) {
  const [heard, waits, due] = [[], [], []];
  const end = new AbortController();
  answerWith(async () => {
    const server = names.shift();
    if (server === null) throw new Error("unreached");
    return { server };
  });
  const life = { signal: end.signal, later: (work, wait) => void (waits.push(wait), due.push(work)) };
  globalThis.addEventListener ??= () => {};
  const ask = presence("heartbeat", life, {
    away: () => heard.push("away"),
    back: (anew) => heard.push(anew ? "anew" : "back"),
    said: () => {},
    awaited: () => awaited,
  });
  for (let look = 0; names.length; look++) {
    await turn();
    if (look + 1 === doubted) ask(true);
    else due[look]();
  }
  await turn();
  end.abort();
  answerWith(null);
  return { heard, waits };
}

test("a server that does not answer twice is away, and asked more often until it is back", async () => {
  assert.deepEqual(await told(["a", "a", null, null, null, "a", "a"]), {
    heard: ["away", "back"],
    waits: [CALM, CALM, SOON, SOON, SOON, CALM, CALM],
  });
});

test("one question without an answer is nothing", async () => {
  assert.deepEqual((await told(["a", null, "a"])).heard, []);
});

test("one question without an answer is enough where somebody else had none just now", async () => {
  assert.deepEqual(await told(["a", null, "a"], false, 1), { heard: ["away", "back"], waits: [CALM, SOON, CALM] });
  assert.deepEqual((await told(["a", "a", null, "a"], false, 1)).heard, []); // the one that was asked had an answer
});

test("another server is told from the same one, whether or not it was missed", async () => {
  assert.deepEqual((await told(["a", null, null, "b", "b"])).heard, ["away", "anew"]);
  assert.deepEqual((await told(["a", "b", "b"])).heard, ["anew"]);
});

test("who waits for the server is told sooner", async () => {
  assert.deepEqual((await told(["a", "a"], true)).waits, [SOON, SOON]);
});
