import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { parse } from "../../../visualize/web/explorer/payload.js";
import { Result } from "../../../visualize/web/explorer/result.js";
import { plain } from "../../../visualize/web/shared/terms.js";
import { stepsOf } from "../../../visualize/web/words/about.js";
import { isTerm } from "../../../visualize/web/words/terms.js";

const opened = (name) => {
  const bytes = readFileSync(join(process.env.EXPLORER_CASES, name));
  const { header, arrays } = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return new Result(header, arrays);
};
const result = opened("payload.bin");
const textOf = (of, title, stage = 1) => plain(stepsOf(of, stage).find((each) => each.title === title).text);

test("every step has a text and a drawing, in every stage", () => {
  for (const stage of [0, 1, 2]) {
    const [first, ...rest] = stepsOf(result, stage);
    assert.equal(first.term, undefined);
    for (const { title, text, term } of rest) {
      assert.ok(isTerm(term), title);
      assert.match(text, /^[A-Z\d].*\.$/);
      assert.doesNotMatch(text, /undefined|NaN/);
    }
  }
});

test("the numbers are the model's", () => {
  const { query, key, heads } = result.stages[1];
  const [queries, keys] = [query, key].map(({ shape }) => shape[0] * shape[1]);
  assert.match(textOf(result, "Keys"), new RegExp(`^${queries} tokens look at ${keys} keys, ${queries / keys} times fewer`));
  assert.match(textOf(result, "Attention"), new RegExp(`in ${heads} heads,`));
  assert.match(textOf(result, "Attention", 0), /in 1 head,/);
  assert.match(textOf(result, "Conv embedding"), /The windows overlap\.$/);
});

test("what a model does not have is not said of it", () => {
  const stage = result.stages[1];
  const without = (changes) => ({ ...result, stages: [result.stages[0], { ...stage, ...changes }, result.stages[2]] });
  assert.match(textOf(without({ projection: { method: "linear", kernel: 3 } }), "Conv projection"), /from every token by itself\.$/);
  assert.match(textOf(without({ key: stage.query }), "Keys"), /look at as many keys/);
  assert.deepEqual(
    stepsOf(opened("no-cls.bin"), 0)
      .map(({ title }) => title)
      .filter((title) => /token/.test(title)),
    ["Mean token"],
  );
});
