// The finding of what is drawn: from a result and the choices to its numbers, and from them to words.

import { row, statistics } from "./attention.js";
import { lightBox } from "../shared/draw.js";
import { cellAt, cellBox, cellOf, centre } from "../shared/geometry.js";
import { attentionFinding, blocksFinding, evidenceFinding, featureFinding, receivedFinding, similarityFinding } from "./findings.js";
import { attentionMap, attentionTop, channelOf, classEvidence, featureMap, queryOf } from "./views.js";
import {
  clsLooks,
  darkChannel,
  darkScale,
  directions,
  lookedAt,
  looks,
  madeOf,
  meanLooks,
  similar,
  speaks,
  strong,
  verdict,
  withMore,
} from "../words/findings.js";
import { sides } from "../words/format.js";
import { phrase } from "../words/phrase.js";

/**
 * @typedef {import("./result.js").Result} Result
 * @typedef {import("./state.js").Choices} Choices
 * @typedef {import("../words/findings.js").Finding} Finding
 */

const LARGER = 1.1; // times a cell's area from which the words say that it is drawn larger

/**
 * The finding of the attention that is drawn.
 * @param {Result} result
 * @param {Choices} state
 * @returns {Finding}
 */
export function ofAttention(result, state) {
  const stage = result.stages[state.stage];
  const map = attentionMap(result, state, state.stage);
  if (!map) return { headline: phrase("not_loaded_yet"), detail: "" };
  const dark = state.depth === "attention" ? "" : scaleWords(result, { ...state, layer: "attention" }); // there it is at the scale
  const { cell, keyCell, cls } = queryOf(stage, state);
  if (state.view === "received") {
    return withMore(lookedAt(receivedFinding(map, cls ? null : centre(stage.key, keyCell), result.input), cls), dark);
  }
  const from = cls || state.view === "mean" ? null : { queries: stage.query, cell };
  const found = attentionFinding(map, from, result.input);
  const bare = state.depth === "none" && state.paint === "light"; // else the legend is there, or nothing is drawn larger
  const edge = bare && found.kind !== "alike" && larger(map.grid, found.best, result.input) ? phrase("edge_cells") : "";
  if (state.view === "mean") return withMore(meanLooks(found), edge, dark);
  if (!cls) return withMore(looks(found), edge, dark);
  return withMore(clsLooks(found, state.depth === "attention" ? ofBlocks(result, state) : null), edge, dark);
}

/** Whether light draws a cell larger than it is, up to the picture's border. */
function larger(grid, index, input) {
  const cell = cellOf(grid, index);
  const [drawn, box] = [lightBox(grid, cell, input), cellBox(grid, cell)];
  return drawn.height * drawn.width > LARGER * box.height * box.width;
}

/** The cls token over the blocks of the stage; null if there is one block only, or one is not loaded. */
function ofBlocks(result, state) {
  const rows = [];
  let keys = 0;
  for (let number = 0; number < result.stages[state.stage].depth; number++) {
    const block = result.block(state.stage, number);
    if (!block) return null;
    const weights = row(block, state.heads[state.stage], 0);
    rows.push({ block: number, entropy: statistics(weights).entropy, own: weights[0] });
    keys = block.keys;
  }
  return rows.length > 1 ? blocksFinding(rows, keys) : null;
}

/**
 * That a map looks dark because its scale spans more than itself; empty where it does not.
 * @param {Result} result
 * @param {Choices} state
 */
export function scaleWords(result, state) {
  if (state.scale === "map") return "";
  if (state.layer === "features") {
    const map = state.features === "channel" ? /** @type {any} */ (featureMap(result, state, state.stage)) : null;
    return map ? darkChannel(Math.max(-map.least, map.most), map.high) : "";
  }
  const map = state.layer === "attention" ? attentionMap(result, state, state.stage) : null;
  return map ? darkScale(map.largest, attentionTop(result, state, state.stage, map)) : "";
}

/**
 * The finding of the feature map that is drawn.
 * @param {Result} result
 * @param {Choices} state
 * @returns {Finding}
 */
export function ofFeatures(result, state) {
  const stage = result.stages[state.stage];
  const { features: view } = state;
  if (view === "pca") return directions({ stage: state.stage, explained: stage.explained, shape: sides(stage.query.shape) });
  const { values, grid } = /** @type {any} */ (featureMap(result, state, state.stage));
  if (view === "similarity") return similar(similarityFinding(values, grid, cellAt(grid, state.y, state.x)), state.centred);
  const channel = view === "channel" ? channelOf(result, state, state.stage) : null;
  const found = strong(featureFinding(values, grid, result.input), { channel, stage: state.stage, width: stage.width });
  return withMore(found, scaleWords(result, { ...state, layer: "features" }));
}

/**
 * The finding of what speaks for the class; the prediction where places are not told apart.
 * @param {Result} result
 * @param {Choices} state
 * @returns {Finding}
 */
export function ofClass(result, state) {
  const { top, classes } = result.header;
  const found = classEvidence(result, state.which);
  return found ? speaks(evidenceFinding(found, result.input), top[state.which].label) : verdict(top, classes);
}

/**
 * The finding where nothing lies on the picture: the prediction, or what a token of the open conv embedding is made of.
 * @param {Result} result
 * @param {Choices} state
 * @returns {Finding}
 */
export function ofNothing(result, state) {
  const { embedding, query } = result.stages[state.stage];
  if (state.part === "embedding") return madeOf({ stage: state.stage, ...embedding, field: query.field });
  return verdict(result.header.top, result.header.classes);
}
