// The findings' numbers against what NumPy found (test_findings_js.py), and their words on a trained and on a random model.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { ofAttention, ofClass, ofFeatures, ofNothing, scaleWords } from "../../../visualize/web/explorer/finding.js";
import * as findings from "../../../visualize/web/explorer/findings.js";
import { row, statistics } from "../../../visualize/web/explorer/attention.js";
import { LAYERS } from "../../../visualize/web/explorer/layers.js";
import { parse } from "../../../visualize/web/explorer/payload.js";
import { Result } from "../../../visualize/web/explorer/result.js";
import { asShown, initial, withStageValue } from "../../../visualize/web/explorer/state.js";
import { attentionMap, classEvidence, classRegion, queryOf } from "../../../visualize/web/explorer/views.js";
import { cellOf, centre } from "../../../visualize/web/shared/geometry.js";
import { plain } from "../../../visualize/web/shared/terms.js";

const folder = process.env.FINDINGS_CASES;
const expected = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"));

function open(name) {
  const bytes = readFileSync(join(folder, name));
  const { header, arrays } = parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  return new Result(header, arrays);
}
const result = open("small.bin");
const [trained, random] = ["trained.bin", "random.bin"].map(open);
const at = (of, changes = {}) => ({ ...initial(of.stages, of.input), ...changes });

/** Compares every wanted value: numbers within float32's rounding, all else exactly. */
function same(found, wanted, words) {
  for (const [name, value] of Object.entries(wanted)) {
    if (typeof value !== "number" || Number.isInteger(value)) assert.equal(found[name], value, `${name} of ${words}`);
    else assert.ok(Math.abs(found[name] - value) <= 1e-4 * Math.max(1, Math.abs(value)), `${name}: ${found[name]}, ${value}, ${words}`);
  }
}

test("attention of tokens, of the cls token, of all, and what looks at a place", () => {
  const kinds = new Set();
  for (const { stage, block, head, view, cls, at: point, wanted } of expected.attention) {
    const state = { ...at(result, { stage, view, cls, y: point[0], x: point[1] }) };
    state.blocks = withStageValue(state, "blocks", block).blocks;
    state.heads = withStageValue(state, "heads", head).heads;
    const map = attentionMap(result, state, stage);
    const { query, key } = result.stages[stage];
    const { cell, keyCell } = queryOf(result.stages[stage], state);
    const words = JSON.stringify({ stage, block, head, view, cls, point });
    let found;
    if (view === "received") found = findings.receivedFinding(map, cls ? null : centre(key, keyCell), result.input);
    else found = findings.attentionFinding(map, cls || view === "mean" ? null : { queries: query, cell }, result.input);
    same(found, wanted, words);
    const { headline } = ofAttention(result, state);
    if (found.kind === "far" || found.kind === "near") assert.ok(headline.includes(`${wanted.half} of ${wanted.cells} cells`), headline);
    if (view === "received" && found.kind === "some") assert.ok(headline.startsWith(`${wanted.tokens} of ${wanted.of} tokens `), headline);
    kinds.add(`${view} ${cls} ${found.kind}`);
  }
  for (const each of ["token false far", "token false alike", "token true some", "mean false some", "received false some"]) {
    assert.ok(kinds.has(each), `${each} is not among ${[...kinds]}`);
  }
});

test("rows and columns on grids with unequal sides and strides", () => {
  const { query, key, input, cases } = expected.madeUp;
  const [kinds, ways] = [new Set(), new Set()];
  for (const one of cases) {
    const map = { values: Float32Array.from(one.row), grid: key, even: 1 / one.row.length, clsWeight: null };
    const found = findings.attentionFinding(map, { queries: query, cell: cellOf(query, one.token) }, input);
    same(found, one.wanted, one.token);
    const column = { values: Float32Array.from(one.column), grid: query, even: 1 / one.row.length };
    same(findings.receivedFinding(column, centre(key, cellOf(key, one.key)), input), one.received, one.key);
    kinds.add(found.kind);
    ways.add(found.direction);
  }
  assert.deepEqual([...kinds].sort(), ["alike", "far", "near"]);
  assert.ok(ways.size >= 5, [...ways].join());
});

test("uniform attention's distance is the same whether it is remembered or not, on every pair of grids", () => {
  const { query, key, input } = expected.madeUp;
  const values = new Float32Array(18).fill(1 / 18);
  const ask = (keys, index) =>
    findings.attentionFinding({ values, grid: keys, even: 1 / 18, clsWeight: null }, { queries: query, cell: cellOf(query, index) }, input)
      .uniform;
  const moved = { ...key, first: [key.first[0] + 6, key.first[1]] };
  for (const index of [0, 20, 65]) {
    for (const keys of [key, moved]) {
      const first = ask(keys, index);
      assert.equal(first, findings.meanDistance(keys, centre(query, cellOf(query, index))));
      assert.equal(ask(keys, index), first);
    }
    assert.notEqual(ask(key, index), ask(moved, index));
  }
});

test("the cls token over the blocks of its stage", () => {
  const stage = trained.stages.length - 1;
  for (const { head, ...wanted } of expected.blocks) {
    const rows = Array.from({ length: trained.last.depth }, (_, block) => {
      const weights = row(trained.block(stage, block), head, 0);
      return { block, entropy: statistics(weights).entropy, own: weights[0] };
    });
    const found = findings.blocksFinding(rows, trained.block(stage, 0).keys);
    assert.equal(found.closest, wanted.closest);
    assert.notEqual(found.closest, null);
    for (const name of ["first", "last"]) assert.ok(Math.abs(found[name] - wanted[name]) < 1 / 255);
    const state = at(trained, { stage, cls: true, depth: "attention", heads: trained.stages.map(() => head) });
    const { detail } = ofAttention(trained, state);
    assert.ok(plain(detail).includes(`fewest places in block ${wanted.closest + 1}.`), detail);
    assert.ok(!plain(ofAttention(trained, { ...state, depth: "none" }).detail).includes("block"));
  }
});

test("feature maps: where they are strongest, and how much of the picture", () => {
  const signs = new Set();
  for (const { stage, channel, wanted } of expected.features.filter((each) => each.channel !== undefined)) {
    const features = result.features(stage);
    const values = channel === null ? features.mean : features.channel(channel);
    same(findings.featureFinding(values, result.stages[stage].query, result.input), wanted, `${stage} ${channel}`);
    signs.add(wanted.sign);
  }
  assert.equal(signs.size, 2);
});

test("similarity: how many tokens, how far away, and whether they hang together", () => {
  for (const { stage, token, centred, wanted } of expected.features.filter((each) => each.token !== undefined)) {
    const { query } = result.stages[stage];
    const cosines = result.features(stage).similarity(token, centred);
    same(findings.similarityFinding(cosines, query, cellOf(query, token)), wanted, `${stage} ${token} ${centred}`);
  }
  const grid = { shape: [3, 4], first: [2, 2], stride: [4, 4], field: [7, 7] };
  const rows = ["##..", "..##", "#.#."]; // two that touch at a corner do not hang together, nor do row ends
  const cosines = Float32Array.from(rows.join(""), (each) => (each === "#" ? 0.9 : -0.5));
  const ask = (index) => findings.similarityFinding(cosines, grid, cellOf(grid, index));
  assert.deepEqual(
    [0, 6, 8, 3].map((index) => [ask(index).tokens, ask(index).together]),
    [
      [5, 2],
      [5, 3],
      [5, 1],
      [6, 4], // the token itself joins what is beside it
    ],
  );
});

test("class evidence: cells, what subtracts, and the region that is outlined has as many cells", () => {
  expected.evidence.forEach((wanted, which) => {
    const found = findings.evidenceFinding(classEvidence(result, which), result.input);
    same(found, wanted, which);
    assert.equal(found.half, classRegion(result, which).cells.size);
  });
});

/** All tokens' headlines in all blocks and heads. */
function* headlines(of) {
  for (let stage = 0; stage < of.stages.length; stage++) {
    const { depth, heads, query } = of.stages[stage];
    for (let block = 0; block < depth; block++) {
      for (let head = -1; head < heads; head++) {
        for (let token = 0; token < query.shape[0] * query.shape[1]; token += 17) {
          const { y, x } = centre(query, cellOf(query, token));
          const state = at(of, { stage, y, x, heads: of.stages.map(() => head) });
          state.blocks = withStageValue(state, "blocks", block).blocks;
          yield ofAttention(of, state).headline;
        }
      }
    }
  }
}

test("what has learned nothing looks everywhere equally, and what has learned hardly ever does", () => {
  const all = [...headlines(random)];
  assert.ok(all.length > 300);
  assert.deepEqual(
    all.filter((each) => !each.startsWith("This spot looks everywhere equally: ")),
    [],
  );
  for (const changes of [{ view: "mean" }, { cls: true }, { view: "received" }, { view: "received", cls: true }]) {
    const { headline, detail } = ofAttention(random, at(random, { stage: 2, depth: "attention", ...changes }));
    assert.match(headline, /everywhere equally|about as much as anywhere else/, JSON.stringify(changes));
    if (changes.cls && !changes.view) assert.match(detail, /^It looks about as widely in all 10 /);
  }
  const learned = [...headlines(trained)];
  const share = (pattern) => learned.filter((each) => pattern.test(each)).length / learned.length;
  assert.ok(share(/everywhere equally/) < 0.02, `${share(/everywhere equally/)} alike`);
  for (const pattern of [/looks near/, /looks far/, /mostly at the cls token/]) assert.ok(share(pattern) > 0.005, `${pattern}`);
});

test("where a scale makes a map dark, it is said; where it does not, nothing is", () => {
  for (const of of [trained, result]) {
    for (let stage = 0; stage < of.stages.length; stage++) {
      for (const scale of ["map", "stage", "all"]) {
        const state = at(of, { stage, scale });
        const { largest } = attentionMap(of, state, stage);
        const { peaks } = of.header;
        const top = { map: largest, stage: Math.max(...peaks[stage]), all: Math.max(...peaks.flat()) }[scale];
        const words = scaleWords(of, state);
        assert.equal(words !== "", largest < top / 3, `${stage} ${scale}`);
        assert.equal(ofAttention(of, state).detail.includes("The scale ends at"), words !== "");
        const beside = ofAttention(of, { ...state, depth: "attention" }); // there it is said at the scale
        assert.ok(!beside.detail.includes("The scale ends at"));
      }
    }
  }
  assert.match(
    scaleWords(trained, at(trained, { scale: "all" })),
    /^The scale ends at \d+.%\. This map's largest weight is .* of that, so it looks dark\.$/u,
  );
  const features = trained.features(1);
  const channels = Array.from({ length: features.channels }, (_, channel) => channel);
  const [loud, quiet] = [Math.max, Math.min].map((most) =>
    channels.find((each) => features.extent(each) === most(...channels.map((c) => features.extent(c)))),
  );
  const shown = (channel, scale) =>
    ofFeatures(trained, at(trained, { features: "channel", channels: [channel, channel, channel], scale })).detail;
  assert.equal(/so it looks pale\.$/.test(shown(quiet, "stage")), features.extent(quiet) < features.extent() / 3);
  assert.doesNotMatch(shown(loud, "stage"), /pale/);
  assert.doesNotMatch(shown(quiet, "map"), /pale/);
});

test("a border cell is said to be drawn larger where the brightest one is, and only as light", () => {
  const seen = new Set();
  for (let stage = 0; stage < result.stages.length; stage++) {
    const { query, key } = result.stages[stage];
    for (let token = 0; token < query.shape[0] * query.shape[1]; token++) {
      const { y, x } = centre(query, cellOf(query, token));
      const state = at(result, { stage, y, x });
      const { values } = attentionMap(result, state, stage);
      const { headline, detail } = ofAttention(result, state);
      if (/everywhere equally/.test(headline)) continue; // no cell is bright
      const { row: down, column: right } = cellOf(key, findings.largest(values));
      // the last cells end before the picture does; the first begin before it
      const border = down === key.shape[0] - 1 || right === key.shape[1] - 1;
      assert.equal(/drawn up to the edge/.test(detail), border);
      assert.doesNotMatch(ofAttention(result, { ...state, paint: "map" }).detail, /drawn up/);
      assert.doesNotMatch(ofAttention(result, { ...state, depth: "attention" }).detail, /drawn up/); // the legend says it
      seen.add(border);
    }
  }
  assert.equal(seen.size, 2);
});

test("no finding of any state has a hole, a 0 of anything, or a sentence that is too long", () => {
  const changes = [];
  for (const stage of [0, 1, 2]) {
    for (const view of ["token", "received", "mean"]) {
      for (const cls of [false, true]) for (const scale of ["map", "all"]) changes.push({ stage, view, cls, scale, depth: "attention" });
    }
    for (const features of ["pca", "mean", "channel", "similarity"]) changes.push({ stage, features, layer: "features" });
    for (const part of ["stage", "embedding", "classifier"]) changes.push({ stage, part });
  }
  for (const of of [result, trained, random, open("no-cls.bin")]) {
    for (const each of changes) {
      for (const [y, x] of [[0, 0], of.input.map((side) => side - 0.01), [of.input[0] / 3, of.input[1] / 2]]) {
        for (const ask of [ofAttention, ofFeatures, ofClass, ofNothing]) {
          const found = ask(of, at(of, { ...each, y, x, which: each.stage }));
          assert.deepEqual(Object.keys(found), ["headline", "detail"]);
          check(found);
        }
        const state = asShown(at(of, { ...each, y, x }));
        if (LAYERS[state.layer].there(of)) check(LAYERS[state.layer].finding(of, state));
      }
    }
  }
});

/** What holds for all findings. */
function check({ headline, detail }) {
  for (const text of [headline, detail].map(plain)) {
    assert.doesNotMatch(text, /NaN|Infinity|undefined|null|[{}[\]|]|(^|\D)0 of |\s\s|^\s|\s$/, text);
    assert.match(text, /^[A-Z0-9].*\.$/);
  }
  assert.ok(words(headline) <= 24, headline);
  for (const sentence of plain(detail).split(/(?<=\.) /)) assert.ok(words(sentence) <= 20, sentence);
}
const words = (text) => text.split(" ").length;

test("what a layer states is its own finding", () => {
  const state = at(result);
  const own = { attention: ofAttention, features: ofFeatures, class: ofClass, none: ofNothing };
  for (const [name, ask] of Object.entries(own)) assert.deepEqual(LAYERS[name].finding(result, state), ask(result, state));
  const without = new Result({ ...result.header, evidence: null }, { ...result.arrays, evidence: undefined });
  assert.match(ofClass(without, state).headline, /^Most probable: /);
  const unloaded = new Result(result.header, {});
  assert.match(ofAttention(unloaded, state).headline, /on its way/);
});
