// The microscope's arithmetic, against what PyTorch makes in the same block: with a convolution, a pool, neither, with and without cls token.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { row } from "../../../visualize/web/explorer/attention.js";
import { Inside, softmax } from "../../../visualize/web/explorer/inside/inside.js";
import { framesOf, indexOf, reached, scenesOf, slides } from "../../../visualize/web/explorer/inside/timeline.js";
import { look } from "../../../visualize/web/explorer/inside/view.js";
import { parse } from "../../../visualize/web/explorer/payload.js";
import { Result } from "../../../visualize/web/explorer/result.js";
import { initial } from "../../../visualize/web/explorer/state.js";
import { centre } from "../../../visualize/web/shared/geometry.js";
import { frameWords, whyWords } from "../../../visualize/web/words/inside.js";

const folder = process.env.EXPLORER_CASES;
const skip = folder ? false : "run by pytest, which writes the payload";
const PROJECTIONS = ["query", "key", "value"];

function read(name) {
  const bytes = readFileSync(join(folder, name));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

function* cases() {
  for (const expected of JSON.parse(readFileSync(join(folder, "expected.json"), "utf8")).insides) {
    const { header, arrays } = parse(read(`payload-${expected.name}.bin`));
    const result = new Result(header, arrays);
    const state = { ...initial(result.stages, result.input), stage: 2, blocks: [0, 1, 1] };
    yield { expected, inside: new Inside(read(`inside-${expected.name}.bin`)), result, state };
  }
}

function near(found, wanted, tolerance, what) {
  assert.ok(Math.abs(found - wanted) <= tolerance * Math.max(1, Math.abs(wanted)), `${what}: ${found} is not ${wanted}`);
}

test("what the linear layer reads, step by step and at once, is PyTorch's", { skip }, () => {
  for (const { inside, expected } of cases()) {
    for (const name of PROJECTIONS) {
      const [rows, columns] = inside.settings(name).shape;
      assert.equal(expected.before[name][0].length, rows * columns);
      expected.before[name].forEach((wanted, channel) => {
        const found = inside.convolved(name, channel);
        wanted.forEach((value, at) => {
          near(found[at], value, 1e-4, `${expected.name} ${name} ${channel} ${at}`);
          if (inside.kind(name) === "none") return;
          const step = inside.step(name, channel, Math.floor(at / columns), at % columns);
          near(step.value, value, 1e-4, "step");
          near(
            step.products.reduce((sum, each) => sum + each, 0),
            step.sum,
            1e-6,
            "sum of products",
          );
          step.products.forEach((each, index) => near(each, step.patch[index] * step.kernel[index], 1e-6, "product"));
          if (step.scale !== null) near(step.scaled + step.shift, value, 1e-4, "scale and shift");
        });
      });
    }
  }
});

test("the window knows padding from tokens, and what a pool does not count", { skip }, () => {
  for (const { inside, expected } of cases()) {
    const where = (name, row, column) => inside.window(name, row, column).map((each) => each.where);
    if (expected.name === "convolution") assert.deepEqual(where("query", 0, 0).slice(0, 4), ["padding", "padding", "padding", "padding"]);
    if (expected.name !== "pool") continue;
    const [rows, columns] = inside.settings("key").shape;
    assert.deepEqual([rows, columns], [3, 3]); // of 4 × 4 tokens: the last window reaches beyond the padding
    assert.deepEqual(where("key", 2, 2), ["token", "padding", "beyond", "padding", "padding", "beyond", "beyond", "beyond", "beyond"]);
    assert.deepEqual(inside.step("key", 0, 2, 2).kernel, [1 / 4, 1 / 4, 0, 1 / 4, 1 / 4, 0, 0, 0, 0]);
  }
});

test("the sum of the linear layer is the model's query and key, the cls token's too", { skip }, () => {
  for (const { inside, expected } of cases()) {
    const first = expected.cls ? 1 : 0;
    for (const name of ["query", "key"]) {
      expected.vectors[name].forEach((wanted, output) =>
        wanted.forEach((value, at) => {
          const { largest, rest, bias, others, value: found } = inside.terms(name, output, at - first);
          near(found, value, 1e-3, `${expected.name} ${name} ${output} ${at}`);
          near(largest.reduce((sum, each) => sum + each.weight * each.value, 0) + rest + bias, found, 1e-5, "terms");
          assert.equal(largest.length + others, inside.channels);
          assert.ok(largest.every((each, index) => !index || Math.abs(each.product) <= Math.abs(largest[index - 1].product)));
        }),
      );
    }
  }
});

test("scores and softmax of every query, head and key are the model's", { skip }, () => {
  for (const { inside, expected } of cases()) {
    const first = expected.cls ? 1 : 0;
    expected.weights.forEach((rows, head) =>
      rows.forEach((wanted, query) => {
        const scores = inside.scores(head, expected.heads, query - first);
        const { weights } = softmax(scores);
        assert.equal(weights.length, wanted.length);
        wanted.forEach((weight, key) => {
          near(scores[key], expected.scores[head][query][key], 1e-3, "score");
          near(weights[key], weight, 1e-3, "weight");
        });
        const one = inside.score(head, expected.heads, query - first, -first);
        near(one.score, scores[0], 1e-4, "one score");
        near(one.products.reduce((sum, each) => sum + each, 0) * one.scale, one.score, 1e-5, "sum of products");
      }),
    );
  }
});

test("the weight is the one that the picture shows, within its bytes", { skip }, () => {
  for (const { inside, expected, result, state } of cases()) {
    const block = result.block(2, 1);
    for (const [row_, column] of [
      [0, 0],
      [1, 3],
      [3, 2],
    ]) {
      const at = { ...state, ...centre(result.stages[2].query, { row: row_, column }), heads: [-1, -1, 1] };
      const found = look(inside, result, at, null);
      const shown = row(block, 1, row_ * 4 + column + found.first);
      const most = Math.max(...shown);
      near(found.weight, shown[found.key + found.first], most / 255, `${expected.name} ${row_} ${column}`);
      assert.ok(shown.subarray(found.first).every((each) => each <= found.weight + most / 255)); // the strongest place
      near(
        found.weights.reduce((sum, each) => sum + each, 0),
        1,
        1e-9,
        "all weights",
      );
      assert.ok(found.strongest && found.seen);
      assert.ok(!look(inside, result, { ...at, layer: "none" }, null).seen);
      assert.ok(look(inside, result, { ...at, heads: [-1, -1, -1] }, null).mean);
    }
  }
});

test("each projection has the scenes that there are, and says why", { skip }, () => {
  const said = {};
  for (const { inside, expected, result, state } of cases()) {
    for (const projection of PROJECTIONS) {
      for (const cls of [false, true]) {
        const found = look(inside, result, { ...state, projection, cls }, null);
        const scenes = scenesOf(found);
        const frames = framesOf(found);
        said[`${expected.name} ${projection} ${cls}`] = whyWords(found);
        assert.deepEqual(Array.from(new Set(frames.map((each) => each.scene))), scenes);
        for (const frame of frames) assert.ok(frameWords(found, frame).endsWith("."));
        const pooled = expected.name === "pool" && projection !== "query";
        const asked = cls && expected.cls && projection === "query"; // the cls token itself
        const convolved = !asked && ["convolution", "wide", "no-cls"].includes(expected.name);
        assert.equal(scenes.includes("window"), convolved || pooled);
        assert.equal(scenes.includes("norm"), convolved);
        assert.equal(found.token < 0, cls && expected.cls);
      }
    }
  }
  assert.match(said["linear query false"], /without a convolution/);
  assert.match(said["pool query false"], /not pooled/);
  assert.match(said["pool key false"], /mean of 9 neighbours.*4 times fewer keys/);
  assert.match(said["convolution query true"], /cls token .* not convolved/);
  assert.match(said["wide value false"], /mixes 25 neighbours.*4 times fewer values/);
});

test("frames: the window comes from two places before, and a frame stays where it is when the token moves", { skip }, () => {
  for (const { inside, expected, result, state } of cases()) {
    if (expected.name !== "convolution") continue;
    const at = (row_, column, more) =>
      look(inside, result, { ...state, ...centre(result.stages[2].query, { row: row_, column }), ...more }, null);
    assert.deepEqual(slides(at(1, 3)), [1, 2, 3]);
    assert.deepEqual(slides(at(1, 0)), [0]);
    const frames = framesOf(at(1, 3));
    assert.equal(frames.filter((each) => each.name.startsWith("term") && each.scene === "window").length, 9);
    assert.equal(frames[indexOf(frames, { scene: "window", name: "slide0" })].column, 3);
    const edge = framesOf(at(1, 0));
    assert.equal(edge[indexOf(edge, { scene: "window", name: "slide2" })].name, "sum"); // there is none: all of the scene
    assert.equal(edge[indexOf(edge, { scene: "linear", name: "bias" })].name, "bias");
    assert.ok(reached(frames, { scene: "norm", name: "scale" }, "read") && !reached(frames, { scene: "norm", name: "scale" }, "shift"));
    const cls = framesOf(at(1, 3, { cls: true }));
    assert.equal(cls[indexOf(cls, { scene: "window", name: "sum" })].scene, "linear"); // the first that there is
    assert.match(frameWords(at(1, 3), frames[0]), /^The window of the query at row 2, column 2 covers tokens 1–3 × 1–3\.$/);
    assert.match(frameWords(at(0, 0), framesOf(at(0, 0))[0]), /covers tokens 1–2 × 1–2\. 5 of its cells lie outside the grid\.$/);
  }
});
