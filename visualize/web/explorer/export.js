// Exports the view as a picture, and all numbers.

import { penOf } from "../shared/draw.js";
import { weight } from "./attention.js";
import { npz, textArray } from "./npz.js";
import { phrase } from "../words/phrase.js";

const SIDE = 1024; // px of the exported picture's longer side
const MOST = 64e6; // weights written at most: 256 MB

/**
 * The numbers of a result as [[name, array, shape]], in floats, stages and blocks counted from 1 in their names; and in texts what
 * they are of, and how exact. `about`: the names of the model and the picture.
 */
export function numbers(result, about) {
  const [height, width] = result.input;
  const { top } = result.header;
  const blocks = blocksOf(result);
  const one = (text) => /** @type {[Uint32Array, number[]]} */ ([textArray([text]), []]);
  /** @type {[string, any, number[]][]} */
  const found = [
    ["readme", ...one(phrase("npz_readme", { ...about, written: blocks.filter(({ block }) => block).length, all: blocks.length }))],
    ["model", ...one(about.model)],
    ["picture", ...one(about.picture)],
    ["top_labels", textArray(top.map(({ label }) => label)), [top.length]],
    ["pixels", result.arrays.pixels, [height, width, 3]],
  ];
  found.push(["top_probabilities", Float32Array.from(top, (each) => each.probability), [top.length]]);
  const { evidence, rest } = result.arrays;
  if (evidence) {
    const grid = result.last[result.header.evidence];
    found.push(["class_evidence", evidence, [evidence.shape[0], ...grid.shape]], ["class_rest", rest, rest.shape]);
  }
  result.stages.forEach((_, index) => {
    const features = result.features(index);
    const all = new Float32Array(features.channels * features.tokens);
    for (let channel = 0; channel < features.channels; channel++) {
      features.channel(channel, all.subarray(channel * features.tokens, (channel + 1) * features.tokens));
    }
    found.push([`features_stage${index + 1}`, all, [features.channels, features.rows, features.columns]]);
    for (const { stage, number, block } of blocks) {
      if (stage !== index || !block) continue;
      found.push([`attention_stage${index + 1}_block${number + 1}`, weights(block), [block.heads, block.queries, block.keys]]);
    }
  });
  return found;
}

function weights(block) {
  const { heads, queries, keys } = block;
  const all = new Float32Array(heads * queries * keys);
  let at = 0;
  for (let head = 0; head < heads; head++) {
    for (let query = 0; query < queries; query++) for (let key = 0; key < keys; key++) all[at++] = weight(block, head, query, key);
  }
  return all;
}

/** The picture with its overlays and its caption, as a PNG blob. */
export function png(explorer, sentence) {
  const { result, state } = explorer;
  const canvas = document.createElement("canvas");
  const scale = SIDE / Math.max(...result.input);
  const [height, width] = result.input.map((side) => Math.round(side * scale));
  const layers = document.createElement("canvas");
  [layers.width, layers.height] = [width, height];
  const context = penOf(canvas);
  const font = "20px system-ui, sans-serif";
  context.font = font;
  const lines = wrapped(context, sentence, width - 32);
  [canvas.width, canvas.height] = [width, height + 24 + 28 * lines.length];
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  const view = explorer.picture.view();
  result.drawPicture(layers, view, state.pixels);
  context.drawImage(layers, 0, 0);
  explorer.picture.drawLayers(layers, view);
  context.drawImage(layers, 0, 0);
  context.fillStyle = "#1b1f24";
  context.font = font;
  lines.forEach((line, index) => context.fillText(line, 16, height + 34 + 28 * index));
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

function wrapped(context, text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trim();
    if (context.measureText(longer).width > width && lines.at(-1)) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** All blocks of attention as [{ stage, number, block }]; `block` is null if an archive omits it: not loaded, or too large. */
function blocksOf(result) {
  let room = MOST;
  return result.stages.flatMap(({ depth }, stage) =>
    Array.from({ length: depth }, (_, number) => {
      const block = result.block(stage, number);
      const size = block ? block.heads * block.queries * block.keys : Infinity;
      if (size > room) return { stage, number, block: null };
      room -= size;
      return { stage, number, block };
    }),
  );
}

/** [number of blocks of attention in an archive, number of all]. */
export function archived(result) {
  const blocks = blocksOf(result);
  return [blocks.filter(({ block }) => block).length, blocks.length];
}

/** The numbers as an .npz blob. */
export const archive = (result, about) => new Blob(npz(numbers(result, about)), { type: "application/octet-stream" });
