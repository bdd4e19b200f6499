import assert from "node:assert/strict";
import { test } from "node:test";

import { linked } from "../../../visualize/web/explorer/link.js";
import { initial } from "../../../visualize/web/explorer/state.js";

const stage = (depth, heads, width) => ({ depth, heads, width });
const top = (...labels) => ({ top: labels.map((label) => ({ label })) });
const own = {
  header: top("bee", "cat", "dog"),
  stages: [stage(1, 1, 8), stage(2, 3, 16), stage(10, 6, 32)],
  input: [96, 96],
  box: [0, 0, 480, 480],
};
const small = { header: top("dog", "bee", "fly"), stages: [stage(1, 1, 8), stage(1, 2, 8)], input: [64, 64], box: [0, 0, 480, 480] };
const cut = { ...own, input: [384, 384], box: [60, 60, 420, 420] };
const at = (result, changes = {}) => ({ result, state: { ...initial(result.stages, result.input), ...changes } });

const moved = (from, changes) => ({ ...from, state: { ...from.state, ...changes } });

test("a token stays at its place of the picture, at another input size and another crop", () => {
  const from = at(own, { y: 24, x: 72 });
  const there = linked(from, at(small));
  assert.deepEqual([there.y, there.x], [16, 48]);
  const inside = linked(from, at(cut)); // pixel 120 and 360 of the original
  assert.deepEqual([inside.y, inside.x], [64, 320]);
});

test("stages, blocks and heads that do not exist become the last; channels the one that varies most", () => {
  const from = at(own, { stage: 2, blocks: [0, 1, 7], heads: [-1, 2, 5], channels: [7, 15, 31], output: 30 });
  const { stage, blocks, heads, channels, output } = linked(from, at(small));
  assert.deepEqual(
    { stage, blocks, heads, channels, output },
    { stage: 1, blocks: [0, 0], heads: [-1, 1], channels: [7, null], output: 8 },
  );
});

test("only what changed is carried: what the other could not follow does not come back", () => {
  const deep = at(own, { stage: 2, blocks: [0, 1, 7] });
  const shallow = at(
    { ...own, stages: [own.stages[0], own.stages[1], { depth: 3, heads: 3, width: 32 }] },
    { stage: 2, blocks: [0, 1, 2] },
  );
  assert.deepEqual(linked(moved(shallow, { y: 10 }), deep, shallow.state), { y: 10 });
  const head = moved(shallow, { heads: [-1, -1, 1] });
  assert.deepEqual(linked(head, deep, shallow.state), { heads: [-1, -1, 1] });
  const block = moved(shallow, { blocks: [0, 0, 2] });
  assert.deepEqual(linked(block, deep, shallow.state), { blocks: [0, 0, 7] });
});

test("a longer model keeps its own blocks where the other has none to name; nothing is changed in place", () => {
  const to = at(own);
  const before = structuredClone(to);
  const there = linked(at(small, { blocks: [0, 0], heads: [-1, 1] }), to);
  assert.deepEqual(
    [there.blocks, there.heads],
    [
      [0, 0, 9],
      [-1, 1, -1],
    ],
  );
  assert.deepEqual(to, before);
});

test("a class is the same class, whatever its rank there; one that is not there is not replaced by another", () => {
  const evidence = (result) => ({
    ...result,
    arrays: { evidence: { shape: [3, 4], subarray: () => new Float32Array(4) }, rest: [0, 0, 0] },
  });
  const withGrid = (result) => ({ ...evidence(result), last: {} });
  const [one, two] = [withGrid(own), withGrid(small)];
  const shown = (changes, to = {}, before = null) => {
    const { layer, which } = linked(at(one, changes), at(two, to), before);
    return [layer, which];
  };
  assert.deepEqual(shown({ which: 2, layer: "class" }), ["class", 0]);
  assert.deepEqual(shown({ which: 1, layer: "class" }), ["none", undefined]);
  assert.deepEqual(shown({ which: 0, layer: "class" }, { layer: "none" }, at(one, { which: 1, layer: "class" }).state), ["class", 1]);
  const before = at(one, { which: 0 }).state;
  assert.deepEqual(shown({ which: 0, layer: "class" }, { which: 0 }, before), ["class", 1]); // rank 0 is another class there
  assert.deepEqual(shown({ which: 0, layer: "attention", y: 3 }, { which: 2 }, before), [undefined, undefined]);
});
