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

test("a class is the same class, whatever its rank there", () => {
  assert.equal(linked(at(own, { which: 2 }), at(small)).which, 0);
  assert.equal(linked(at(own, { which: 1 }), at(small, { which: 2 })).which, 2); // not among the others: nothing moves
});
