// The archive is written here and read by NumPy in test_explorer_js.py; the code is run there.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { code } from "../../../visualize/web/explorer/code.js";
import { numbers } from "../../../visualize/web/explorer/export.js";
import { npz } from "../../../visualize/web/explorer/npz.js";
import { parse } from "../../../visualize/web/explorer/payload.js";
import { Result } from "../../../visualize/web/explorer/result.js";
import { LAYERS } from "../../../visualize/web/explorer/layers.js";
import { asShown, initial } from "../../../visualize/web/explorer/state.js";

const folder = process.env.EXPLORER_CASES;

test("an archive of all numbers, for NumPy to open", { skip: folder ? false : "run by pytest" }, () => {
  const bytes = readFileSync(join(folder, "payload.bin"));
  const { header, arrays } = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const result = new Result(header, arrays);
  writeFileSync(join(folder, "numbers.npz"), Buffer.concat(npz(numbers(result))));
  const state = { ...initial(result.stages, result.input), stage: 2, heads: [-1, -1, 1] };
  const cell = { row: 1, column: 2 };
  const features = (kind, more = {}) => [{ ...state, layer: "features", features: kind, ...more }, false];
  const cases = [
    [{ ...state }, false],
    [{ ...state }, true],
    [{ ...state, heads: [-1, -1, -1], view: "mean" }, false],
    [{ ...state, view: "received" }, false],
    features("pca"),
    features("mean"),
    features("channel"),
    features("similarity"),
    features("similarity", { centred: true }),
    [{ ...state, stage: 0, layer: "class", which: 1 }, false],
    [{ ...state, colours: "grey", part: "classifier", which: 0 }, false],
  ];
  const written = cases.map(([each, cls]) => {
    const shown = asShown(each);
    const about = {
      state: shown,
      stages: result.stages,
      source: "",
      cell,
      keyCell: { row: 1, column: 0 },
      cls,
      channel: 5,
      evidence: header.evidence,
    };
    return { code: code(LAYERS[shown.layer].code, about) };
  });
  writeFileSync(join(folder, "code.json"), JSON.stringify(written));
});

test("the code names the model as text that cannot end its string", () => {
  const stages = [{ depth: 1, heads: 1, width: 4, key: { shape: [2, 2] } }];
  const text = code(LAYERS.attention.code, {
    state: initial(stages, [8, 8]),
    stages,
    source: 'a"b\n',
    cell: { row: 0, column: 0 },
    keyCell: { row: 0, column: 0 },
    cls: false,
  });
  assert.match(text, /from_pretrained\("a\\"b\\n"\)/);
});
