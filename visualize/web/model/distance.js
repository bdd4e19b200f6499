// How far each head looks, as visualize/maps/distance.py measures it: in pixels, by weight, on average over all tokens.

import { rounded } from "./rounded.js";

const DIGITS = 3;

/** @type {import("./answers.js").Answer} */
export async function distance(engine, { seen }, asked, onStep, signal) {
  const found = /** @type {{ heads: number[][], uniform: number }[]} */ ([]);
  for (const [index, stage] of engine.stages.entries()) {
    onStep({ step: "computing", share: index / engine.stages.length });
    await new Promise((resolve) => setTimeout(resolve));
    signal?.throwIfAborted();
    found.push(await ofStage(engine.attention, stage, seen.blocks[index]));
  }
  const places = found.flatMap(({ heads }, stage) => {
    return heads.flatMap((own, block) => own.map((each, head) => ({ ...place(stage, block, head), distance: rounded(each, DIGITS) })));
  });
  return {
    input: engine.facts.input,
    stages: found.map(({ heads, uniform }) => ({
      heads: heads.map((own) => own.map((each) => rounded(each, DIGITS))),
      uniform: rounded(uniform, DIGITS),
    })),
    nearest: places.reduce((least, each) => (each.distance < least.distance ? each : least)),
    narrowest: narrowest(found),
  };
}

const place = (stage, block, head) => ({ stage: stage + 1, block: block + 1, head: head + 1 });
const meanOf = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;

function narrowest(found) {
  const means = found.map(({ heads }) => meanOf(heads.flat()));
  const under = found.map(({ uniform }, index) => (uniform > 0 ? 1 - means[index] / uniform : 0));
  const most = under.indexOf(Math.max(...under));
  if (under[most] <= 0) return null;
  return { stage: most + 1, distance: rounded(means[most], DIGITS), uniform: rounded(found[most].uniform, DIGITS) };
}

async function ofStage(attention, { query, key, cls }, blocks) {
  const [tokens, cells] = [centres(query), centres(key)];
  const first = Number(cls);
  const away = new Float32Array(tokens.length * cells.length);
  let uniform = 0;
  tokens.forEach((token, row) => {
    let sum = 0;
    cells.forEach((cell, column) => (sum += away[row * cells.length + column] = Math.hypot(token[0] - cell[0], token[1] - cell[1])));
    uniform += sum / cells.length / tokens.length;
  });
  const heads = /** @type {number[][]} */ ([]);
  for (const block of blocks) {
    const sums = new Array(block.heads).fill(0);
    await attention.rows(block, ["weights"], ({ weights }, start, rows) => {
      for (let head = 0, at = 0; head < block.heads; head++) {
        for (let row = start - first; row < start - first + rows; row++, at += block.keys) {
          if (row < 0) continue; // the cls token has no place
          let [far, placed] = [0, 0];
          for (let cell = 0, of = at + first, to = row * cells.length; cell < cells.length; cell++, of++, to++) {
            far += weights[of] * away[to];
            placed += weights[of];
          }
          sums[head] += far / Math.max(placed, 1e-12) / tokens.length;
        }
      }
    });
    heads.push(sums);
  }
  return { heads, uniform };
}

/** [y, x] of all cells' centres, row by row. */
function centres({ shape: [rows, columns], first, stride }) {
  return Array.from({ length: rows * columns }, (_, at) => [
    first[0] + Math.floor(at / columns) * stride[0],
    first[1] + (at % columns) * stride[1],
  ]);
}
