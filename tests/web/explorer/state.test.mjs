import assert from "node:assert/strict";
import { test } from "node:test";

import { carried, initial, moved, transferred, withStageValue } from "../../../visualize/web/explorer/state.js";

const stages = [
  { depth: 1, heads: 1, width: 8 },
  { depth: 2, heads: 3, width: 16 },
  { depth: 10, heads: 6, width: 32 },
];

test("a page opens on the middle stage, last blocks, all heads, the token in the middle", () => {
  const state = initial(stages, [96, 64]);
  assert.equal(state.stage, 1);
  assert.deepEqual(state.blocks, [0, 1, 9]);
  assert.deepEqual(state.heads, [-1, -1, -1]);
  assert.deepEqual([state.y, state.x, state.pinned], [48, 32, false]);
  assert.equal(initial([stages[0]], [8, 8]).stage, 0);
});

test("a new picture keeps what was chosen, as far as the new model has it", () => {
  const state = {
    ...initial(stages, [96, 96]),
    stage: 2,
    blocks: [0, 1, 7],
    heads: [-1, 2, 5],
    channels: [null, 15, 31],
    pinned: true,
    features: "mean",
    y: 3,
  };
  const same = carried(state, stages, [96, 96]);
  assert.deepEqual([same.stage, same.blocks, same.heads, same.channels, same.features], [2, [0, 1, 7], [-1, 2, 5], [null, 15, 31], "mean"]);
  assert.deepEqual([same.pinned, same.y], [false, 48]);
  const smaller = carried(state, [stages[0], { depth: 1, heads: 2, width: 8 }, { depth: 3, heads: 3, width: 9 }], [64, 64]);
  assert.deepEqual(
    [smaller.blocks, smaller.heads, smaller.channels],
    [
      [0, 0, 2],
      [-1, -1, -1],
      [null, null, null],
    ],
  );
  const deeper = carried(
    { ...state, blocks: [0, 1, 9] },
    [stages[0], { ...stages[1], depth: 4 }, { ...stages[2], depth: 16 }],
    [96, 96],
    stages,
  );
  assert.deepEqual(deeper.blocks, [0, 3, 15]); // last stays last
  assert.deepEqual(
    carried({ ...state, blocks: [0, 0, 7] }, [stages[0], { ...stages[1], depth: 4 }, stages[2]], [96, 96], stages).blocks,
    [0, 0, 7],
  );
  const fewer = carried(state, stages.slice(0, 2), [64, 64]);
  assert.deepEqual([fewer.stage, fewer.blocks, fewer.heads], [1, [0, 1], [-1, -1]]);
});

test("another model's view of the same picture keeps the token at its place of the picture, and the class", () => {
  // both of a picture 400 wide and 300 high: its middle 300 × 300, and all of it, squeezed into a square
  const top = (...labels) => ({ top: labels.map((label) => ({ label })) });
  const cut = { input: [96, 96], box: [50, 0, 350, 300], header: top("bee", "cat") };
  const squeezed = { input: [384, 384], box: [0, 0, 400, 300], header: top("fly", "dog", "cat") };
  const state = { y: 48, x: 32, focus: { y: 24, x: 0 }, pinned: true, which: 1 };
  const there = transferred(state, cut, squeezed);
  assert.deepEqual([there.y, there.x], [192, 144]); // y 150 of 300, x 150 of 400
  assert.deepEqual(there.focus, { y: 96, x: 48 });
  assert.equal(there.pinned, true);
  assert.equal(there.which, 2);
  assert.equal(transferred({ ...state, which: 0 }, cut, squeezed).which, 0); // it has no bee: its own most probable
  const back = transferred(there, squeezed, cut);
  assert.deepEqual([back.y, back.x, back.focus], [48, 32, { y: 24, x: 0 }]);
  assert.deepEqual([transferred({ ...state, x: 0, focus: state.focus }, squeezed, cut).x], [0]); // what is cut away: the nearest edge
});

test("arrow keys move by tokens and stop at the edge", () => {
  const grid = { shape: [4, 6], first: [2, 2], stride: [4, 4], field: [7, 7] };
  const state = { ...initial(stages, [16, 24]), y: 7, x: 3, cls: true };
  assert.deepEqual([moved(state, grid, 1, 0).y, moved(state, grid, 1, 0).x], [10, 2]);
  assert.deepEqual([moved(state, grid, 0, -3).x, moved(state, grid, 0, 99).x, moved(state, grid, 99, 0).y], [2, 22, 14]);
  assert.equal(moved(state, grid, 0, 1).cls, false);
});

test("only the chosen stage's entry changes, and nothing in place", () => {
  const state = initial(stages, [8, 8]);
  const changed = withStageValue(state, "heads", 2);
  assert.deepEqual(changed.heads, [-1, 2, -1]);
  assert.deepEqual(state.heads, [-1, -1, -1]);
});
