// From the payload and the choices to what is drawn: values, their grid, their range, their words. No DOM here.

import { column, meanRow, row, statistics } from "./attention.js";
import { ancestors, cellAt, cellOf, centre } from "./geometry.js";
import { range } from "./features.js";
import { attentionSentence, chainSentence, featureSentence, legend, number, percent, shortPlace, sides } from "./words.js";

/** Where the query lies in a stage: its cell, the nearest key cell, and whether the cls token asks instead. */
export function queryOf(stage, state) {
  return {
    cell: cellAt(stage.query, state.y, state.x),
    keyCell: cellAt(stage.key, state.y, state.x),
    cls: state.cls && stage.cls,
  };
}

/**
 * One attention map: `values` on `grid`, without the cls token, whose own weight is `clsWeight` (null where there is none);
 * `numbers` are those of the map, but the entropy is the whole row's, whose largest
 * weight is `row`. null where the block has not travelled.
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
    largest,
  };
}

/** The value at which the colours of attention maps end; they begin at zero. */
export function attentionTop(result, state, index, map) {
  if (state.scale === "map") return map.largest || 1;
  const { peaks } = result.header; // of all blocks, also of those that have not travelled
  return Math.max(...(state.scale === "stage" ? peaks[index] : peaks.flat()), 1e-9);
}

/** The sentence that says what the attention picture shows. */
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

const REGION = 0.5; // share of the cls token's attention to places that the region carries

/**
 * The part of the picture from which the class is read: the fewest key cells that give the cls token half of its attention
 * to places in the model's last block, mean of heads. { stage, cells (indices of keys), share }, or null where no cls token is.
 */
export function classRegion(result) {
  if (result.region !== undefined) return result.region;
  const stage = result.stages.length - 1;
  const block = result.stages[stage].cls && result.block(stage, result.stages[stage].depth - 1);
  if (!block) return null;
  const weights = row(block, -1, 0).subarray(1);
  const total = weights.reduce((sum, each) => sum + each, 0);
  const sorted = Array.from(weights.keys()).sort((a, b) => weights[b] - weights[a]);
  const cells = new Set();
  let sum = 0;
  for (const cell of sorted) {
    if (sum >= REGION * total) break;
    sum += weights[cell];
    cells.add(cell);
  }
  return (result.region = { stage, cells, share: total > 0 ? sum / total : 0 });
}

/** The tokens of a stage whose centres lie in the region's cells: 1 or 0, (tokens). */
export function tokensInRegion(result, index) {
  const region = classRegion(result);
  const { query } = result.stages[index];
  const [rows, columns] = query.shape;
  const mask = new Uint8Array(rows * columns);
  if (!region) return mask;
  const { key } = result.stages[region.stage];
  for (let token = 0; token < mask.length; token++) {
    const { y, x } = centre(query, cellOf(query, token));
    mask[token] = region.cells.has(cellAt(key, y, x).index) ? 1 : 0;
  }
  return mask;
}

/** The channel that stands for a stage: the chosen one, or the one that varies most. */
export const channelOf = (result, state, index) => state.channels[index] ?? result.features(index).byVariance[0];

/** One feature picture: `rgb`, or `values` with the range `low` … `high` of its `colours`; `name` and `caption` are written under it. */
export function featureMap(result, state, index, view = state.features) {
  const stage = result.stages[index];
  const features = result.features(index);
  const grid = stage.query;
  const cell = cellAt(grid, state.y, state.x);
  if (view === "pca") {
    const share = percent(stage.explained.reduce((sum, each) => sum + each, 0));
    return { grid, rgb: features.pca, name: "PCA", caption: `${share} of variance` };
  }
  if (view === "similarity") {
    const values = features.similarity(cell.index, state.centred);
    const [low] = range(values);
    return { grid, values, low: -1, high: 1, colours: "diverging", least: low, most: 1, name: "Similarity", caption: `cosine ${number(low)} … 1` };
  }
  const channel = channelOf(result, state, index);
  const values = view === "mean" ? features.mean : features.channel(channel);
  const [low, high] = range(values);
  const extent = view === "channel" && state.scale !== "map" ? features.extent() : Math.max(Math.abs(low), Math.abs(high)) || 1;
  const name = view === "mean" ? "Mean" : `Channel ${channel + 1}`;
  const caption = `${number(low)} … ${number(high)}`;
  return { grid, values, low: -extent, high: extent, colours: "diverging", least: low, most: high, name, caption };
}

/** The sentence that says what the feature picture shows. */
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

/** Short: who asks. For captions under small pictures. */
export function queryCaption(result, state, index) {
  const { cell, keyCell, cls } = queryOf(result.stages[index], state);
  if (state.view === "mean") return "all tokens, mean";
  if (state.view === "received") return cls ? "to the cls token" : `to ${shortPlace(keyCell)}`;
  return cls ? "cls token" : shortPlace(cell);
}

/** How to read what lies on the picture. */
export function legendWords(result, state, index) {
  const { query, key, cls } = result.stages[index];
  const reduction = (query.shape[0] * query.shape[1]) / (key.shape[0] * key.shape[1]);
  const asks = queryOf(result.stages[index], state);
  const drawn = state.ancestors && !asks.cls && (state.layer !== "attention" || state.view === "token");
  const chain = drawn && chainSentence(ancestors(result.stages, index, asks.cell), index, query.field, query.stride);
  return legend({ layer: state.layer, view: state.view, cls: state.cls && cls, reduction, field: sides(query.field), chain });
}
