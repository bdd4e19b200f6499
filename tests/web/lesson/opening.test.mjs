// The text of a link, applied to the page: what is left or overtaken changes nothing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { opening } from "../../../visualize/web/share/opening.js";
import { page } from "../../../visualize/web/shared/page.js";

/** What the server says of a link that chooses an experiment. */
const answer = (experiment) => ({ view: { experiment, off: "", how: "zero" }, notices: [], written: "" });

test("a newer text takes the place of an older one, and what was stopped is not applied", async () => {
  const keep = globalThis.fetch;
  const open = [];
  globalThis.fetch = (_, { signal }) =>
    new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      open.push((experiment) => resolve(Response.json(answer(experiment))));
    });
  const life = new AbortController();
  const link = opening("/laboratory/", { signal: life.signal, later: () => () => {} }, () => {});
  const text = "experiment=reach";
  const lost = (asked) => assert.rejects(asked, { name: "AbortError" });
  try {
    const [older, newer] = [link.open(text), link.open(text)];
    open[1]("decide");
    open[0]("reach");
    await lost(older);
    await newer;
    assert.equal(page.state.experiment, "decide");
    const left = link.open(text);
    link.stop();
    open[2]("reach");
    await lost(left);
    const ended = link.open(text);
    life.abort();
    await lost(ended);
    assert.equal(page.state.experiment, "decide");
  } finally {
    globalThis.fetch = keep;
  }
});
