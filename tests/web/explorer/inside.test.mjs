// The microscope's arithmetic, against the queries and keys that hooks saw in the same block.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Inside } from "../../../visualize/web/explorer/inside.js";

const folder = process.env.EXPLORER_CASES;
const skip = folder ? false : "run by pytest, which writes the payload";

function open() {
  const bytes = readFileSync(join(folder, "inside.bin"));
  return new Inside(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

test("convolution, BatchNorm and linear layer give the model's queries and keys", { skip }, () => {
  const inside = open();
  const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")).inside;
  for (const name of ["query", "key"]) {
    assert.equal(expected[name].length, inside.channels);
    expected[name].forEach((wanted, output) => {
      const largest = Math.max(...wanted.map(Math.abs));
      const found = inside.projected(name, output);
      assert.equal(found.length, wanted.length);
      wanted.forEach((value, at) => assert.ok(Math.abs(found[at] - value) <= 1e-4 * Math.max(1, largest), `${name} ${output} ${at}`));
      const terms = inside.terms(name, output, 1);
      assert.ok(Math.abs(terms.value - wanted[1]) <= 1e-4 * Math.max(1, largest));
      assert.equal(terms.largest.length + terms.others, inside.channels);
    });
  }
  for (const { head, heads, query, key, score } of expected.scores) {
    const found = inside.score(head, heads, query, key).score;
    assert.ok(Math.abs(found - score) <= 1e-3 * Math.max(1, Math.abs(score)), `${found} is not ${score}`);
  }
});

test("the arithmetic that is written out is the one that is drawn", { skip }, () => {
  const inside = open();
  for (const name of ["query", "key", "value"]) {
    const [rows, columns] = inside.settings(name).shape;
    for (let channel = 0; channel < inside.channels; channel += 5) {
      const map = inside.convolved(name, channel);
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
          const step = inside.step(name, channel, row, column);
          assert.ok(Math.abs(step.value - map[row * columns + column]) < 1e-4);
          assert.equal(step.patch.length, 9);
        }
      }
    }
    assert.deepEqual(inside.patch(name, 0, 0, 0).slice(0, 4), [0, 0, 0, 0]); // padding
  }
  assert.ok(inside.convolves("key"));
  assert.equal(inside.norms(2).length, 3);
});
