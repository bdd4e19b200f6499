import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { initial, withCount, withValue } from "../../../visualize/web/laboratory/architecture.js";
import { CHOICES } from "../../../visualize/web/choices.js";
import { initial as atFirst } from "../../../visualize/web/explorer/state.js";
import { architecturePairs, changedStage, offPairs, opened, queryOf, viewPairs } from "../../../visualize/web/share/query.js";

const folder = process.env.SHARE_CASES;
const { about, result } = JSON.parse(readFileSync(join(folder, "share.json"), "utf8"));
result.header = { top: result.top };
const at = (changes = {}) => ({ result, state: { ...atFirst(result.stages, result.input), ...changes } });

// what a link without words is read as
const missing = Object.fromEntries(["stage", "block", "head", "row", "col", "channel", "which"].map((name) => [name, null]));
const plain = { ...Object.fromEntries(Object.values(CHOICES).map((each) => [each.name, each.default])), ...missing };

test("what the page opens with needs no words", () => {
  assert.deepEqual(viewPairs(at()), []);
  assert.deepEqual(architecturePairs(initial(about), about), []);
  assert.deepEqual(offPairs({ off: "", how: "zero" }), []);
  assert.equal(queryOf([]), "");
});

test("the page's own keys are replaced, the host's stay, unknown ones go", () => {
  assert.equal(queryOf([["stage", 3]], "?__theme=dark&stage=1&s1.kv=1&show=mean&foo=1&hide=upload"), "__theme=dark&stage=3");
  assert.equal(
    queryOf([
      ["hide", "upload,examples"],
      ["model", "microsoft/cvt-13"],
    ]),
    "hide=upload,examples&model=microsoft/cvt-13",
  );
});

test("architectures and views are written for the server, which reads them back", () => {
  const start = initial(about);
  const architectures = {
    stride: withValue(start, 0, "stride_kv", 1, about),
    kernel: withValue(withValue(start, 1, "patch_sizes", 5, about), 2, "kernel_qkv", 5, about),
    padding: withValue(withValue(start, 1, "patch_sizes", 5, about), 1, "patch_padding", 0, about),
    switches: withValue(withValue(start, 0, "cls_token", true, about), 1, "qkv_bias", false, about),
    words: withValue(withValue(start, 2, "qkv_projection_method", "avg", about), 0, "mlp_ratio", 0.5, about),
    fewer: withCount(start, 2, about),
    more: withCount(start, 4, about),
    wider: withValue(withCount(start, 4, about), 3, "embed_dim", 96, about),
    rest: { ...start, side: 64, weights: "random", seed: 7 },
  };
  const views = {
    place: { stage: 2, y: 4, x: 20, cls: true },
    block: { stage: 2, blocks: [0, 0, 1], heads: [-1, 1, 2], channels: [null, null, 5], features: "channel", layer: "features" },
    choices: {
      view: "received",
      sort: "peak",
      depth: "drawing",
      paint: "map",
      scale: "all",
      colours: "grey",
      projection: "key",
      smooth: true,
      pixels: true,
      ancestors: true,
      centred: true,
    },
    mean: { stage: 0, view: "mean" },
    evidence: { layer: "class", which: 2, sort: "region" },
  };
  const queries = {
    architectures: Object.fromEntries(
      Object.entries(architectures).map(([name, state]) => [name, { state, query: queryOf(architecturePairs(state, about)) }]),
    ),
    views: Object.fromEntries(Object.entries(views).map(([name, changes]) => [name, { changes, query: queryOf(viewPairs(at(changes))) }])),
  };
  const off = { off: "3.2.head1,2.1.block", how: "mean" };
  queries.off = { ...off, query: queryOf(offPairs(off)) };
  writeFileSync(join(folder, "queries.json"), JSON.stringify(queries));
});

test("a view that was read is chosen again, as far as the result has it", () => {
  const here = at();
  const same = { ...here.state, ...opened(plain, here).changes };
  assert.deepEqual(same, here.state);
  const chosen = {
    ...here.state,
    ...opened({ ...plain, stage: 3, block: 2, head: 3, row: 2, col: 1, channel: 6, scale: "all", cls: true, which: 2 }, here).changes,
  };
  assert.deepEqual(
    [chosen.stage, chosen.blocks[2], chosen.heads[2], chosen.channels[2], chosen.scale, chosen.cls, chosen.pinned, chosen.which],
    [2, 1, 2, 5, "all", true, true, 1],
  );
  assert.deepEqual(viewPairs({ ...here, state: chosen }), [
    ["stage", 3],
    ["block", 2],
    ["head", 3],
    ["row", 2],
    ["col", 1],
    ["channel", 6],
    ["class", 2],
    ["cls", 1],
    ["scale", "all"],
  ]);
});

test("what the result does not have is refused with a sentence, and nothing else takes its place", () => {
  const here = at();
  const { stages } = result;
  const read = (changes) => {
    const { changes: found, notices } = opened({ ...plain, ...changes }, here);
    return [{ ...here.state, ...found }, notices];
  };
  assert.deepEqual(read({}), [here.state, []]);
  const stage = stages[here.state.stage];
  const limits = {
    stage: [1, stages.length],
    block: [1, stage.depth],
    head: [0, stage.heads],
    channel: [1, stage.width],
    which: [1, result.top.length],
  };
  for (const [name, [least, most]] of Object.entries(limits)) {
    for (const value of [most + 1, 7777, least - 1]) {
      const words = `The link's ${CHOICES[name].key} cannot be ${value}: there are ${least} to ${most} here. The default is used.`;
      assert.deepEqual(read({ [name]: value }), [here.state, [words]], name);
    }
    for (const value of [least, most]) assert.deepEqual(read({ [name]: value })[1], []);
  }
  const [rows, columns] = stage.query.shape;
  assert.deepEqual(read({ row: rows + 1, col: 1 }), [
    here.state,
    [`The link's row cannot be ${rows + 1}: there are 1 to ${rows} here. The default is used.`],
  ]);
  assert.match(read({ row: 1, col: columns + 1 })[1][0], /^The link's col cannot be/);
  assert.deepEqual(read({ row: rows, col: columns })[1], []);
  // in stages without a cls token, and where no place reaches the classifier
  assert.deepEqual(read({ cls: true }), [here.state, ["The link's cls cannot be 1 here. The default is used."]]);
  assert.deepEqual(read({ cls: true, stage: 3 })[1], []);
  const all = read({ stage: 9, block: 99, head: 99, row: 99, col: 99, channel: 9999, which: 99 })[1];
  assert.equal(all.length, 7);
});

test("a link opens the first stage that it changes", () => {
  assert.equal(
    changedStage([
      ["side", "64"],
      ["s3.depth", "2"],
      ["s1.kv", "1"],
    ]),
    3,
  );
  assert.equal(
    changedStage([
      ["stages", "2"],
      ["seed", "1"],
    ]),
    null,
  );
});
