import assert from "node:assert/strict";
import { test } from "node:test";

import { linked } from "../../visualize/explorer/link.js";
import { initial } from "../../visualize/explorer/state.js";

const stage = (depth, heads, width) => ({ depth, heads, width });
const own = { stages: [stage(1, 1, 8), stage(2, 3, 16), stage(10, 6, 32)], input: [96, 96], box: [0, 0, 480, 480] };
const small = { stages: [stage(1, 1, 8), stage(1, 2, 8)], input: [64, 64], box: [0, 0, 480, 480] };
const cut = { ...own, input: [384, 384], box: [60, 60, 420, 420] };
const at = (result, changes = {}) => ({ result, state: { ...initial(result.stages, result.input), ...changes } });

test("a token stays at its place of the picture, at another input size and another crop", () => {
  const from = at(own, { y: 24, x: 72 });
  const there = linked({ y: 0, x: 0 }, from, at(small));
  assert.deepEqual([there.y, there.x], [16, 48]);
  const inside = linked({ y: 0, x: 0 }, from, at(cut)); // pixel 120 and 360 of the original
  assert.deepEqual([inside.y, inside.x], [64, 320]);
});

test("stages, blocks and heads that do not exist become the last; channels the one that varies most", () => {
  const from = at(own, { stage: 2, blocks: [0, 1, 7], heads: [-1, 2, 5], channels: [7, 15, 31], output: 30 });
  const there = linked({ stage: 1, blocks: 1, heads: 1, channels: 1, output: 1 }, from, at(small));
  assert.deepEqual(there, { stage: 1, blocks: [0, 0], heads: [-1, 1], channels: [7, null], output: 8 });
});

test("a deeper or longer model gets its own last blocks where the other has none to name", () => {
  const there = linked({ blocks: 1, heads: 1 }, at(small, { blocks: [0, 0], heads: [-1, 1] }), at(own));
  assert.deepEqual(there, { blocks: [0, 0, 9], heads: [-1, 1, -1] });
});

test("only what changed is carried, and nothing in place", () => {
  const from = at(own, { layer: "features", smooth: true });
  const to = at(small);
  const before = structuredClone(to);
  assert.deepEqual(linked({ layer: "features" }, from, to), { layer: "features" });
  assert.deepEqual(linked({}, from, to), {});
  assert.deepEqual(to, before);
});
