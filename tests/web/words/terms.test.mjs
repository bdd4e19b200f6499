import assert from "node:assert/strict";
import { test } from "node:test";

import { plain } from "../../../visualize/web/shared/terms.js";
import { SENTENCES } from "../../../visualize/web/words/phrase.js";
import { definition, isTerm, TERMS } from "../../../visualize/web/words/terms.js";

test("a term is explained in one sentence of 25 words at most", () => {
  const names = Object.keys(TERMS);
  assert.ok(names.length >= 15);
  for (const term of names) {
    const { name, meaning } = definition(term);
    assert.match(name, /^[A-Z]/);
    assert.match(meaning, /^[A-Z][^.]*\.$/, term);
    assert.ok(meaning.split(/\s+/).length <= 25, `${term}: ${meaning.split(/\s+/).length} words`);
  }
});

test("every term that a sentence names is explained", () => {
  const marks = Object.entries(SENTENCES).flatMap(([key, text]) =>
    [...text.matchAll(/\[[^\]]*\|([^\]]*)\]/g)].map(([, term]) => [key, term]),
  );
  assert.deepEqual(
    marks.filter(([, term]) => !isTerm(term)),
    [],
  );
});

test("plain text has the words of the terms, and leaves other brackets alone", () => {
  assert.equal(plain("3 % of the [attention|attention] of [this key|key]."), "3 % of the attention of this key.");
  for (const text of ["", "no terms", "[x|constructor]", "[x|unknown]", "[a]|b", "[|token]"]) assert.equal(plain(text), text);
});
