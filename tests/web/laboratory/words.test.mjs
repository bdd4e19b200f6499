import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { change, costChanges, costWords, inBytes, inWords, share, valueWords } from "../../../visualize/web/words/laboratory.js";

const read = (name) => JSON.parse(readFileSync(join(process.env.LABORATORY_CASES, name), "utf8"));
const cases = read("words.json");

test("counts and bytes read as the server writes them", () => {
  for (const { count, words, bytes } of cases) {
    assert.equal(inWords(count), words);
    assert.equal(inBytes(count), bytes);
  }
});

test("changes are signed shares, or factors from two on", () => {
  const plain = (text) => text.replaceAll("\u202f", " ");
  assert.equal(change(5, 5), "the same");
  assert.equal(plain(change(62, 100)), "−38 %");
  assert.equal(plain(change(105, 100)), "+5.0 %");
  assert.equal(plain(change(1000400, 1000000)), "+0.04 %");
  assert.equal(plain(change(1e9 + 1, 1e9)), "+< 0.01 %");
  assert.equal(plain(change(240, 100)), "2.4 ×");
  assert.equal(plain(change(160000, 100)), "1,600 ×");
  assert.equal(change(5, 0), "new");
});

test("values read as the server writes them", () => {
  for (const { value, words } of read("values.json")) assert.equal(valueWords(value), words);
  assert.deepEqual([true, "dw_bn", "linear", 4].map(valueWords), ["on", "convolution", "linear", "4"]);
});

test("shares", () => {
  assert.equal(share(41, 100), "41\u202f%");
  assert.equal(share(4, 1000), "0.4\u202f%");
  assert.equal(share(1, 100000), "<\u202f0.1\u202f%");
  assert.equal(share(0, 0), "0\u202f%");
});

test("what a change costs agrees with the server's sentences: keys first, then multiply-adds, then parameters", () => {
  const plain = (text) => text.replaceAll("\u202f×", "×");
  const alike = (text) => text === "unchanged";
  for (const { before, after, keys, amounts } of read("costs.json")) {
    const [stage, other] = keys.flatMap((each, index) => (alike(each) ? [] : [index]));
    const named = other === undefined && stage !== undefined ? { [`keys of stage ${stage + 1}:`]: keys[stage] } : { keys: amounts.keys };
    const expected = Object.entries({ ...named, "multiply-adds": amounts["multiply-adds"], parameters: amounts.parameters });
    const shown = expected.filter(([, words]) => !alike(words)).slice(0, 2);
    assert.equal(costChanges(before, after).length, shown.length);
    costChanges(before, after).forEach((words, index) => {
      const [name, server] = shown[index];
      assert.ok(plain(words).startsWith(name), words);
      if (server.includes("×")) assert.equal(plain(words), `${name} ${server}`);
      else if (!server.includes("less"))
        assert.equal(
          Number.parseFloat(words.match(/[−+].*/)[0].replace("−", "-")).toFixed(0),
          Number.parseFloat(server.replace("−", "-")).toFixed(0),
        );
    });
  }
  assert.equal(costWords([]), "The same cost.");
  assert.equal(costWords(["keys 4 × as many", "multiply-adds +37 %"]), "Keys 4 × as many, multiply-adds +37 %.");
});
