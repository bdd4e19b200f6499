import assert from "node:assert/strict";
import { test } from "node:test";

import { dropped, pasted, taken } from "../../../visualize/web/chooser/files.js";

const MOST = 2_000_000;
const file = (name, type, size) => ({ name, type, size });
const item = (kind, isDirectory = false) => ({ kind, webkitGetAsEntry: () => ({ isDirectory }) });

test("one file that may be a picture is taken, whatever its type says of it or does not", () => {
  for (const type of ["image/png", "image/x-unheard-of", "", "application/octet-stream"]) {
    const one = file("a", type, MOST);
    assert.deepEqual(taken([one], MOST), { file: one });
  }
});

test("what cannot be one gets a sentence with its name", () => {
  assert.match(taken([file("b.pdf", "application/pdf", 9)], MOST).problem ?? "", /^b\.pdf is not a picture\./);
  assert.match(taken([file("c.png", "image/png", 0)], MOST).problem ?? "", /^c\.png is empty\./);
  assert.match(taken([file("d.png", "image/png", MOST + 1)], MOST).problem ?? "", /^d\.png is 3 MB; at most 2 MB/);
  assert.match(taken([file("e", "", 1), file("f", "", 1)], MOST).problem ?? "", /^These are 2 files\./);
});

test("a drop without a file, and a folder, are told apart", () => {
  const one = file("a", "", 4096);
  assert.match(dropped({ items: [item("string")], files: [] }, MOST).problem, /no picture file in what you dropped/);
  assert.match(dropped({ items: [item("file", true)], files: [one] }, MOST).problem, /This is a folder/);
  assert.equal(dropped({ items: [item("string"), item("file")], files: [one] }, MOST).file, one);
  assert.match(pasted({ files: [] }, MOST).problem, /no picture on the clipboard/);
  assert.match(pasted(null, MOST).problem, /no picture on the clipboard/);
});
