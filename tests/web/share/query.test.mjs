import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { initial, withCount, withValue } from "../../../visualize/web/laboratory/architecture.js";
import { initial as opened } from "../../../visualize/web/explorer/state.js";
import { architecturePairs, choicesOf, queryOf, viewPairs } from "../../../visualize/web/share/query.js";

const folder = process.env.SHARE_CASES;
const { about, result } = JSON.parse(readFileSync(join(folder, "share.json"), "utf8"));
result.header = { top: result.top };
const at = (changes = {}) => ({ result, state: { ...opened(result.stages, result.input), ...changes } });

test("what the page opens with needs no words", () => {
  assert.deepEqual(viewPairs(at()), []);
  assert.deepEqual(architecturePairs(initial(about), about), []);
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
  writeFileSync(join(folder, "queries.json"), JSON.stringify(queries));
});

test("a view that was read is chosen again, as far as the result has it", () => {
  const plain = {
    stage: null,
    block: null,
    head: null,
    row: null,
    col: null,
    channel: null,
    which: null,
    layer: "attention",
    view: "token",
    features: "pca",
    sort: "variance",
    scale: "map",
    colours: "viridis",
    projection: "query",
    cls: false,
    centred: false,
    smooth: false,
    pixels: false,
    ancestors: false,
  };
  const here = at();
  const same = { ...here.state, ...choicesOf(plain, here) };
  assert.deepEqual(same, here.state);
  const chosen = {
    ...here.state,
    ...choicesOf({ ...plain, stage: 3, block: 2, head: 3, row: 2, col: 1, channel: 6, scale: "all", cls: true, which: 2 }, here),
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
  const beyond = choicesOf({ ...plain, stage: 9, block: 99, head: 99, row: 99, col: 99, channel: 9999, which: 99 }, here);
  assert.deepEqual([beyond.stage, beyond.blocks[2], beyond.heads[2], beyond.channels[2], beyond.which], [2, 2, 2, 23, 4]);
});
