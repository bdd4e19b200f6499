import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { opening } from "../../../visualize/web/site/link/read.js";

const { facts, cases } = JSON.parse(readFileSync(`${process.env.SITE_CASES}/links.json`, "utf-8"));

test("a link says here what it says to the server, in the same words", () => {
  for (const { query, view, notices } of cases) {
    const found = opening(query, facts);
    assert.deepEqual(found.view, view, query);
    assert.deepEqual(found.notices, notices, query);
    assert.equal(found.model, facts.model);
  }
});

test("what a link says of an architecture is kept for the page with a server", () => {
  const { written, notices } = opening("?tab=architecture&stages=2&s1.kv=1&side=64&stage=1&weights=random", facts);
  assert.equal(written, "stages=2&s1.kv=1&side=64");
  assert.deepEqual(notices, []);
});
