import assert from "node:assert/strict";
import { test } from "node:test";

import { stream } from "../../../visualize/web/shared/stream.js";
import { answerWith, ask, bytes, elsewhere, get, newest, post } from "../../../visualize/web/shared/http.js";

test("of many questions the newest is answered, the others end", async () => {
  const ended = [];
  const send = (url, value, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => {
        ended.push(value);
        reject(Object.assign(new Error("ended"), { name: "AbortError" }));
      });
      setTimeout(() => resolve({ answer: value }), 5);
    });
  const describe = newest("/describe", null, send);
  const answers = await Promise.all([1, 2, 3].map(describe));
  assert.deepEqual(answers, [null, null, { answer: 3 }]);
  assert.deepEqual(ended, [1, 2]);
  assert.deepEqual(await describe(4), { answer: 4 });
});

test("a late answer to an old question is dropped even where it could not be ended", async () => {
  const open = [];
  const describe = newest("/describe", null, () => new Promise((resolve) => open.push(resolve)));
  const [first, second] = [describe(1), describe(2)];
  open[1]("new");
  open[0]("old");
  assert.deepEqual(await Promise.all([first, second]), [null, "new"]);
});

test("what fails is said in a sentence", async () => {
  const keep = globalThis.fetch;
  try {
    globalThis.fetch = async () => new Response(JSON.stringify({ error: "Too long." }), { status: 413 });
    await assert.rejects(ask("/x", {}), /^Error: Too long\.$/);
    globalThis.fetch = async () => new Response("<html>", { status: 502 });
    await assert.rejects(ask("/x", {}), /answered with an error \(502\)/);
    globalThis.fetch = async () => {
      throw new TypeError("Failed to fetch");
    };
    await assert.rejects(ask("/x", {}), /does not answer/);
  } finally {
    globalThis.fetch = keep;
  }
});

test("bytes are null where nothing is kept any more; what fails is said in a sentence", async () => {
  const keep = globalThis.fetch;
  try {
    const asked = [];
    const answers = [new Response(Uint8Array.of(1, 2)), new Response("", { status: 404 }), new Response("", { status: 500 })];
    globalThis.fetch = async (url) => (asked.push(url), answers.shift());
    assert.deepEqual(new Uint8Array(await bytes("/a")), Uint8Array.of(1, 2));
    assert.equal(await bytes("/b"), null);
    await assert.rejects(bytes("/c"), /answered with an error \(500\)/);
    assert.deepEqual(asked, ["/a", "/b", "/c"]);
  } finally {
    globalThis.fetch = keep;
  }
});

test("bytes that come in pieces are whole, and only a page opened on the server's own machine asks for them as they are", async () => {
  const keep = globalThis.fetch;
  try {
    const sent = [];
    const pieces = () => ReadableStream.from([Uint8Array.of(1, 2), Uint8Array.of(), Uint8Array.of(3)]);
    globalThis.fetch = async (_url, { headers }) => (sent.push(headers["X-Near"]), new Response(pieces()));
    for (const hostname of ["localhost", "127.0.0.1", "[::1]", "cvt.example", "localhost.example", undefined]) {
      globalThis.location = hostname && { hostname };
      assert.deepEqual(new Uint8Array(await bytes("/a")), Uint8Array.of(1, 2, 3));
    }
    assert.deepEqual(sent, ["1", "1", "1", undefined, undefined, undefined]);
    globalThis.fetch = async () => new Response(null);
    assert.equal((await bytes("/empty")).byteLength, 0);
  } finally {
    globalThis.fetch = keep;
    delete globalThis.location;
  }
});

test("a page that answers itself asks nobody: what it cannot answer needs the server, and whoever left gets no answer", async () => {
  const keep = globalThis.fetch;
  globalThis.fetch = () => assert.fail("a request was sent");
  const [asked, steps] = [[], []];
  try {
    answerWith(async (path, body, onStep) => {
      asked.push([path, body]);
      onStep({ step: "computing", share: 0.5 });
      return path.endsWith("unknown") ? undefined : path.endsWith("dropped") ? null : { answer: path };
    });
    assert.deepEqual(await bytes("explorer/data/a"), { answer: "explorer/data/a" });
    assert.equal(await bytes("explorer/data/dropped"), null);
    assert.deepEqual(await get("lessons"), { answer: "lessons" });
    assert.deepEqual(await ask("laboratory/open", { query: "" }), { answer: "laboratory/open" });
    assert.deepEqual(await stream("break/lens", { key: "a" }, (step) => steps.push(step)), { answer: "break/lens" });
    assert.deepEqual(await post("/upload", "form", new AbortController().signal, () => {}), { answer: "/upload" });
    assert.deepEqual(steps, [{ step: "computing", share: 0.5 }]);
    assert.deepEqual(asked[3], ["laboratory/open", { query: "" }]);
    for (const send of [bytes, get, ask, stream]) await assert.rejects(send("unknown"), /^Error: This needs the page with a server\.$/);
    assert.throws(() => elsewhere("https://example.org"), /needs the page with a server/);
    await assert.rejects(get("lessons", AbortSignal.abort()), { name: "AbortError" });
    assert.equal(asked.length, 10);
  } finally {
    answerWith(null);
    globalThis.fetch = keep;
  }
});
