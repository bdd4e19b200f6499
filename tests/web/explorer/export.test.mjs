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
  writeFileSync(join(folder, "numbers.npz"), Buffer.concat(npz(numbers(result, { model: "a \u{1f43c} model", picture: "photo" }))));
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
    ...[0, 1, 2].map((stage) => [{ ...state, part: "embedding", stage }, false]),
    [{ ...state, layer: "class", which: 5 }, false],
  ];
  const other = Array.from({ length: 7 }, (_, index) => `LABEL_${index}`).find((label) => !header.top.some((each) => each.label === label));
  const written = cases.map(([each, cls]) => {
    const shown = asShown(each);
    const about = {
      state: shown,
      stages: result.stages,
      source: "",
      file: "examples/photo.jpg",
      also: each.which === 5 ? other : null,
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

test("the code reads the picture that is shown, or says that it is one's own, in the model that is shown", () => {
  const stages = [{ depth: 1, heads: 1, width: 4, key: { shape: [2, 2] } }];
  const about = { state: initial(stages, [8, 8]), stages, cell: { row: 0, column: 0 }, keyCell: { row: 0, column: 0 }, cls: false };
  const write = (more) => code(LAYERS.attention.code, { ...about, ...more });
  assert.match(write({ file: "examples/bison.jpg" }), /explore\(model, processor, "examples\/bison\.jpg"\)$/m);
  assert.match(write({}), /explore\(model, processor, "your_picture\.jpg"\) {2}# the path of the picture that you chose$/m);
  const changed = write({ changed: { lines: "interventions = []", arguments: ", interventions=interventions" } });
  assert.match(changed, /^interventions = \[\]\nseen = explore\(model, processor, .*, interventions=interventions\)/m);
  const lines = "picture = made_of(file)";
  const moved = { lines, arguments: "", picture: "picture", within: "padded(model, 'circular')" };
  assert.match(
    write({ file: "a.jpg", changed: { ...moved, within: null } }),
    /^file = "a\.jpg"\n.*\nseen = explore\(model, processor, picture\)$/m,
  );
  const padded = /^file = "your_picture.jpg" .*\n.*\nwith padded\(model, 'circular'\):\n {4}seen = explore\(model, processor, picture\)$/m;
  assert.match(write({ changed: moved }), padded);
  const built = write({ built: "model = a_variant()" });
  assert.match(built, /^model = a_variant\(\)$/m);
  assert.doesNotMatch(built, /from_pretrained/);
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
