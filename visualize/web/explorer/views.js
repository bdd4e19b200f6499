// From the payload and the choices to what is drawn: values, their grid, range and text. No DOM here.

import { column, meanRow, row, statistics } from "./attention.js";
import { cellAt, cellOf, centre } from "../shared/geometry.js";
import { range } from "./features.js";
import { signed } from "../words/format.js";
import {
  attentionSentence,
  embeddingSentence as embeddingWords,
  evidenceSentence,
  featureCaption,
  featureSentence,
  firstName,
  queryWords,
} from "../words/explorer.js";
import { phrase } from "../words/phrase.js";

/** The query in a stage: its cell, the nearest key cell, and whether the cls token is the query instead. */
export function queryOf(stage, state) {
  return {
    cell: cellAt(stage.query, state.y, state.x),
    keyCell: cellAt(stage.key, state.y, state.x),
    cls: state.cls && stage.cls,
  };
}

/**
 * One attention map: `values` on `grid`, without the cls token, whose weight is `clsWeight` (null without one);
 * `numbers` are the map's, but the entropy is the whole row's, whose largest weight is `row`. null if the block is not loaded.
 * @param {import("./result.js").Result} result
 * @param {import("./state.js").Choices} state
 */
export function attentionMap(result, state, index, blockIndex = state.blocks[index], head = state.heads[index]) {
  const block = result.block(index, blockIndex);
  if (!block) return null;
  const stage = result.stages[index];
  const { cell, keyCell, cls } = queryOf(stage, state);
  const extra = stage.cls ? 1 : 0; // the cls token comes first
  let all;
  if (state.view === "mean") all = meanRow(block, head);
  else if (state.view === "received") all = column(block, head, cls ? 0 : keyCell.index + extra);
  else all = row(block, head, cls ? 0 : cell.index + extra);
  const values = extra ? all.subarray(1) : all;
  const [least, largest] = range(values);
  const whole = statistics(all);
  return {
    values,
    grid: state.view === "received" ? stage.query : stage.key,
    clsWeight: extra ? all[0] : null,
    numbers: { ...whole, minimum: least, maximum: largest, uniform: largest * all.length },
    row: whole.maximum,
    count: all.length,
    even: 1 / block.keys, // what each key gets of a query that looks everywhere alike
    largest,
  };
}

/**
 * The value at which the colours of attention maps end; they begin at zero.
 * @param {import("./result.js").Result} result
 * @param {import("./state.js").Choices} state
 */
export function attentionTop(result, state, index, map) {
  if (state.scale === "map") return map.largest || 1;
  const { peaks } = result.header; // of all blocks, even those not loaded
  return Math.max(...(state.scale === "stage" ? peaks[index] : peaks.flat()), 1e-9);
}

/**
 * The sentence that says what the attention picture shows.
 * @param {import("./result.js").Result} result
 * @param {import("./state.js").Choices} state
 */
export function attentionWords(result, state, index) {
  const stage = result.stages[index];
  return attentionSentence({
    stage: index,
    block: state.blocks[index],
    head: state.heads[index],
    heads: stage.heads,
    view: state.view,
    queryShape: stage.query.shape,
    keyShape: stage.key.shape,
    ...queryOf(stage, state),
  });
}

/**
 * @typedef {{ grid: import("../shared/geometry.js").Grid, cells: Set<number>, share: number }} Region the indices of some cells, and
 * their share of the evidence for a class
 */
const REGION = 0.5; // a region's share of the evidence for its class

/**
 * What each place adds directly to a class's score, see visualize/maps/evidence.py: { grid, values, places, rest }, the last
 * two the sums over all places and everything else. `which`: 0 is the most probable class. null if no place reaches the
 * classifier.
 * @param {import("./result.js").Result} result
 */
export function classEvidence(result, which) {
  const { evidence, rest } = result.arrays;
  if (!evidence || which >= evidence.shape[0]) return null;
  const [, cells] = evidence.shape;
  const values = evidence.subarray(which * cells, (which + 1) * cells);
  const grid = result.last[result.header.evidence];
  return { grid, values, places: values.reduce((sum, each) => sum + each, 0), rest: rest[which] };
}

/**
 * The same as a map: red adds, blue subtracts.
 * @param {import("./result.js").Result} result
 */
export function evidenceMap(result, which) {
  const found = classEvidence(result, which);
  if (!found) return null;
  const extent = Math.max(...range(found.values).map(Math.abs)) || 1;
  return { ...found, low: -extent, high: extent, colours: "diverging" };
}

/**
 * The region of a class: the fewest cells with half of what places add to its score, ignoring places that subtract.
 * { grid, cells (indices), share }, or null if there is none.
 * @param {import("./result.js").Result} result
 */
export function classRegion(result, which) {
  if (!result.regions.has(which)) result.regions.set(which, region(classEvidence(result, which)));
  return result.regions.get(which) ?? null;
}

function region(evidence) {
  if (!evidence) return null;
  const { grid, values } = evidence;
  const total = values.reduce((sum, each) => sum + Math.max(0, each), 0);
  const sorted = Array.from(values.keys()).sort((a, b) => values[b] - values[a]);
  const cells = new Set();
  let sum = 0;
  for (const cell of sorted) {
    if (sum >= REGION * total) break;
    sum += values[cell];
    cells.add(cell);
  }
  return { grid, cells, share: total > 0 ? sum / total : 0 };
}

/**
 * The tokens of a stage whose centres lie in the region's cells: 1 or 0, (tokens).
 * @param {import("./result.js").Result} result
 */
export function tokensInRegion(result, index, which) {
  const found = classRegion(result, which);
  const { query } = result.stages[index];
  const [rows, columns] = query.shape;
  const mask = new Uint8Array(rows * columns);
  if (!found) return mask;
  for (let token = 0; token < mask.length; token++) {
    const { y, x } = centre(query, cellOf(query, token));
    mask[token] = found.cells.has(cellAt(found.grid, y, x).index) ? 1 : 0;
  }
  return mask;
}

/**
 * What the place under the pointer adds, briefly.
 * @param {import("./result.js").Result} result
 * @param {import("./state.js").Choices} state
 */
export function evidenceHere(result, state) {
  const found = classEvidence(result, state.which);
  if (!found) return "";
  const { grid, values } = found;
  const value = signed(values[cellAt(grid, state.y, state.x).index]);
  return phrase("evidence_here", { label: firstName(result.header.top[state.which].label), value });
}

/**
 * The sentence that says what the class picture shows.
 * @param {import("./result.js").Result} result
 * @param {import("./state.js").Choices} state
 */
export function evidenceWords(result, state) {
  const found = evidenceMap(result, state.which);
  if (!found) {
    return phrase("evidence_none", { classes: result.header.classes, label: firstName(result.header.top[0].label) });
  }
  const { depth, cls } = result.last;
  return evidenceSentence({ ...found, depth, cls, stage: result.stages.length - 1, label: result.header.top[state.which].label });
}

/**
 * A stage's channel: the chosen one, or the one that varies most.
 * @param {import("./result.js").Result} result
 * @param {import("./state.js").Choices} state
 */
export const channelOf = (result, state, index) => state.channels[index] ?? result.features(index).byVariance[0];

/**
 * One feature picture: `rgb`, or `values` with the range `low` … `high` of its `colours`; `name` and `caption` are written under it.
 * @param {import("./result.js").Result} result
 * @param {import("./state.js").Choices} state
 */
export function featureMap(result, state, index, view = state.features) {
  const stage = result.stages[index];
  const features = result.features(index);
  const grid = stage.query;
  const cell = cellAt(grid, state.y, state.x);
  if (view === "pca") return { grid, rgb: features.pca, ...featureCaption(view, stage) };
  if (view === "similarity") {
    const values = features.similarity(cell.index, state.centred);
    const [least] = range(values);
    return { grid, values, low: -1, high: 1, colours: "diverging", least, most: 1, ...featureCaption(view, { low: least }) };
  }
  const channel = channelOf(result, state, index);
  const values = view === "mean" ? features.mean : features.channel(channel);
  const [least, most] = range(values);
  const extent = view === "channel" && state.scale !== "map" ? features.extent() : Math.max(Math.abs(least), Math.abs(most)) || 1;
  const words = featureCaption(view, { channel, low: least, high: most });
  return { grid, values, low: -extent, high: extent, colours: "diverging", least, most, ...words };
}

/**
 * The sentence that says what the feature picture shows.
 * @param {import("./result.js").Result} result
 * @param {import("./state.js").Choices} state
 */
export function featureWords(result, state, index) {
  const stage = result.stages[index];
  return featureSentence({
    stage: index,
    view: state.features,
    channel: channelOf(result, state, index),
    width: stage.width,
    centred: state.centred,
    explained: stage.explained,
    shape: stage.query.shape,
    ...queryOf(stage, state),
  });
}

/**
 * Which weights are shown, for captions under small pictures.
 * @param {import("./result.js").Result} result
 * @param {import("./state.js").Choices} state
 */
export const queryCaption = (result, state, index) => queryWords(state.view, queryOf(result.stages[index], state));

/**
 * The sentence that says what an open conv embedding shows.
 * @param {import("./result.js").Result} result
 */
export function embeddingSentence(result, { stage, ...state }) {
  const { embedding } = result.stages[stage];
  return embeddingWords({ stage, embedding, cell: queryOf(result.stages[stage], state).cell });
}
