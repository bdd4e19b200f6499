// What the drawing of each term shows of this result and these choices, as plain values. No DOM here.

import { cellBox, cellOf, centre, clipped, fieldBox } from "../shared/geometry.js";
import { statistics } from "./attention.js";
import { below, count, embeddingWindow, enclosing, gridOf, margin, neighbours, thin, within } from "./cells.js";
import { attentionMap, channelOf, featureMap, queryOf } from "./views.js";
import { number, percent, sides } from "../words/format.js";
import { firstName } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";

/**
 * @typedef {import("../shared/geometry.js").Box} Box
 * @typedef {object} Panel a part of the input and what lies on it
 * @property {Box} [window] all of the input if it is absent; may extend beyond it
 * @property {any} [map] attention as [0, the largest weight], or a feature map
 * @property {boolean} [light] whether the map is attention
 * @property {boolean} [cutout] whether only what the map gives weight to is seen of the picture
 * @property {{ box: Box, thin?: boolean, dashed?: boolean }[]} [outlines]
 * @property {Box[]} [fills]
 * @property {{ from: { y: number, x: number }, to: { y: number, x: number }, share: number }[]} [lines] `share` of the strongest
 * @property {boolean} [chosen]
 *
 * @typedef {{ panels?: Panel[], bars?: { values: number[], line: number }, rows?: { label: string, share: number, words: string }[],
 *   shows: string }} Scene
 */

const MOST = 12; // panels
const BEST = 5; // keys that a query is shown with

/** The row of weights that the drawings show: of this token, or of the cls token while that is the query; null if not loaded. */
function rowOf(result, state, stage = state.stage, block = state.blocks[stage], head = state.heads[stage]) {
  return attentionMap(result, { ...state, view: "token" }, stage, block, head);
}

const lit = (map) => ({ ...map, low: 0, high: map.largest || 1 });

const SCENES = {
  token({ result, state, stage, at }) {
    const { query, width } = stage;
    const all = { top: 0, left: 0, height: result.input[0], width: result.input[1] };
    const panel = { outlines: [...thin(within(query, all)), { box: cellBox(query, at.cell) }] };
    return { panels: [panel], shows: phrase("drawn_token", { stage: state.stage + 1, shape: sides(query.shape), width }) };
  },

  query({ result, state, stage, at }) {
    const map = rowOf(result, { ...state, cls: false });
    if (!map) return null;
    const best = Array.from(map.values.keys())
      .sort((a, b) => map.values[b] - map.values[a])
      .slice(0, BEST);
    const from = centre(stage.query, at.cell);
    const lines = best.map((key) => ({ from, to: centre(stage.key, cellOf(stage.key, key)), share: map.values[key] / (map.largest || 1) }));
    const outlines = [...thin(best.map((key) => cellBox(stage.key, cellOf(stage.key, key)))), { box: cellBox(stage.query, at.cell) }];
    const share = percent(best.reduce((sum, key) => sum + map.values[key], 0));
    return { panels: [{ lines, outlines }], shows: phrase("drawn_query", { count: best.length, share }) };
  },

  key({ result, state, stage, at }) {
    const box = cellBox(stage.key, at.keyCell);
    const window = margin(box, stage.key, result.input);
    const times = count(stage.query) / count(stage.key);
    const values = {
      stage: state.stage + 1,
      queries: count(stage.query),
      keys: count(stage.key),
      times: times.toFixed(times % 1 > 0.05 ? 1 : 0),
    };
    const panel = { window, fills: [box], outlines: [...thin(within(stage.query, window)), { box }] };
    return { panels: [panel], shows: phrase(times > 1.05 ? "drawn_key" : "drawn_key_each", values) };
  },

  cell({ result, state, stage, at }) {
    const all = { top: 0, left: 0, height: result.input[0], width: result.input[1] };
    const panel = { fills: [cellBox(stage.key, at.keyCell)], outlines: thin(within(stage.key, all)) };
    return { panels: [panel], shows: phrase("drawn_cell", { stage: state.stage + 1, shape: sides(stage.key.shape) }) };
  },

  mlp({ stage, at }) {
    const box = cellBox(stage.query, at.cell);
    return { panels: [{ fills: [box], outlines: [{ box }] }], shows: phrase("drawn_mlp", { width: stage.width }) };
  },

  value({ result, state, stage, at, who }) {
    const map = rowOf(result, state);
    if (!map) return null;
    return {
      panels: [{ map: lit(map), cutout: true, outlines: at.cls ? [] : [{ box: cellBox(stage.query, at.cell) }] }],
      shows: phrase("drawn_value", { who }),
    };
  },

  attention({ result, state, stage, at, who }) {
    const map = rowOf(result, state);
    if (!map) return null;
    const panel = { map: lit(map), light: true, outlines: at.cls ? [] : [{ box: cellBox(stage.query, at.cell) }] };
    const values = { who, share: percent(map.largest), cls: percent(map.clsWeight ?? 0) };
    return { panels: [panel], shows: phrase(stage.cls ? "drawn_attention_cls" : "drawn_attention", values) };
  },

  head({ result, state, stage, at, who }) {
    const shown = Math.min(MOST, stage.heads);
    const maps = Array.from({ length: shown }, (_, head) => rowOf(result, state, state.stage, state.blocks[state.stage], head));
    const panels = attentions(maps, state.heads[state.stage], stage, at);
    return panels && { panels, shows: phrase(shown > 1 ? "drawn_head" : "drawn_head_one", { who, count: shown, heads: stage.heads }) };
  },

  block({ result, state, stage, at, who }) {
    const shown = Math.min(MOST, stage.depth);
    const maps = Array.from({ length: shown }, (_, block) => rowOf(result, state, state.stage, block));
    const panels = attentions(maps, state.blocks[state.stage], stage, at);
    return panels && { panels, shows: phrase(shown > 1 ? "drawn_block" : "drawn_block_one", { who, count: shown, blocks: stage.depth }) };
  },

  stage({ result, state }) {
    const panels = result.stages.map((_, index) => ({ map: featureMap(result, state, index, "pca"), chosen: index === state.stage }));
    return { panels, shows: phrase("drawn_stage", { shapes: result.stages.map(({ query }) => sides(query.shape)).join(", ") }) };
  },

  channel({ result, state, stage }) {
    const channel = channelOf(result, state, state.stage);
    const values = { channel: channel + 1, width: stage.width, stage: state.stage + 1 };
    return { panels: [{ map: featureMap(result, state, state.stage, "channel") }], shows: phrase("drawn_channel", values) };
  },

  cls_token({ result, state }) {
    const index = result.stages[state.stage].cls ? state.stage : result.stages.findLastIndex(({ cls }) => cls);
    if (index < 0) {
      const { query } = result.last;
      const all = { top: 0, left: 0, height: result.input[0], width: result.input[1] };
      const shows = phrase("drawn_cls_token_none", { shape: sides(query.shape), stage: result.stages.length });
      return { panels: [{ fills: within(query, all), outlines: thin(within(query, all)) }], shows };
    }
    const block = state.blocks[index];
    const map = rowOf(result, { ...state, cls: true }, index, block);
    return map && { panels: [{ map: lit(map), light: true }], shows: phrase("drawn_cls_token", { stage: index + 1, block: block + 1 }) };
  },

  stride({ result, state, stage, at }) {
    const { kernel, stride } = stage.embedding;
    const [first, second] = neighbours(at.cell, stage.query.shape);
    const cells = [first, second, second && { ...second, column: second.column + 1 }].filter((cell) => cell?.column < stage.query.shape[1]);
    const boxes = cells.map((cell) => embeddingWindow(result, state.stage, cell));
    const centres = cells.map((cell) => centre(stage.query, cell));
    const lines = centres.slice(1).map((to, index) => ({ from: centres[index], to, share: 1 }));
    const window = margin(enclosing(boxes), below(result, state.stage), result.input);
    const panel = { window, lines, outlines: [...gridOf(result, state.stage, window), ...boxes.map((box) => ({ box }))] };
    const values = { stage: state.stage + 1, kernel: sides(kernel), stride: stride[1] };
    return { panels: [panel], shows: phrase(state.stage ? "drawn_stride_tokens" : "drawn_stride_pixels", values) };
  },

  padding({ result, state, stage }) {
    const { padding } = stage.embedding;
    const grid = below(result, state.stage);
    const box = embeddingWindow(result, state.stage, { row: 0, column: 0 });
    const window = { top: box.top, left: box.left, height: box.height + 2 * grid.stride[0], width: box.width + 2 * grid.stride[1] };
    const panel = { window, fills: [box], outlines: [...gridOf(result, state.stage, window), { box }] };
    const values = { stage: state.stage + 1, padding: padding[0] };
    return { panels: [panel], shows: phrase(padding[0] ? "drawn_padding" : "drawn_padding_none", values) };
  },

  conv_embedding({ result, state, stage, at }) {
    const { kernel, stride } = stage.embedding;
    const boxes = neighbours(at.cell, stage.query.shape).map((cell) => embeddingWindow(result, state.stage, cell));
    const window = margin(enclosing(boxes), below(result, state.stage), result.input);
    const panel = { window, fills: boxes, outlines: [...gridOf(result, state.stage, window), ...boxes.map((box) => ({ box }))] };
    const values = { stage: state.stage + 1, both: Math.max(0, kernel[1] - stride[1]), kernel: kernel[1] };
    return { panels: [panel], shows: phrase(state.stage ? "drawn_conv_embedding_tokens" : "drawn_conv_embedding_pixels", values) };
  },

  conv_projection({ result, stage, at }) {
    const { query, projection } = stage;
    const side = projection?.method === "linear" ? 1 : (projection?.kernel ?? 1);
    const { top, left, height, width } = cellBox(query, at.cell);
    const [y, x] = query.stride.map((each) => ((side - 1) / 2) * each);
    const reach = { top: top - y, left: left - x, height: height + 2 * y, width: width + 2 * x };
    const window = margin(reach, query, result.input);
    const panel = { window, fills: side > 1 ? [reach] : [], outlines: [...thin(within(query, window)), { box: cellBox(query, at.cell) }] };
    const key = !projection ? "drawn_conv_projection_unknown" : side > 1 ? "drawn_conv_projection" : "drawn_conv_projection_none";
    return { panels: [panel], shows: phrase(key, { kernel: sides([side, side]) }) };
  },

  receptive_field({ result, stage, at }) {
    const { query } = stage;
    const box = clipped(fieldBox(query, at.cell), result.input);
    const shows = phrase("drawn_receptive_field", { field: sides(query.field), input: sides(result.input) });
    return { panels: [{ fills: [box], outlines: [{ box, dashed: true }, { box: cellBox(query, at.cell) }] }], shows };
  },

  pca({ result, state, stage }) {
    const share = percent(stage.explained.reduce((sum, each) => sum + each, 0));
    return {
      panels: [{ map: featureMap(result, state, state.stage, "pca") }],
      shows: phrase("drawn_pca", { stage: state.stage + 1, share }),
    };
  },

  similarity({ result, state, stage, at }) {
    const map = /** @type {any} */ (featureMap(result, state, state.stage, "similarity"));
    const panel = { map, outlines: [{ box: cellBox(stage.query, at.cell) }] };
    return { panels: [panel], shows: phrase("drawn_similarity", { least: number(map.least) }) };
  },

  entropy({ result, state, who }) {
    const map = rowOf(result, state);
    if (!map) return null;
    const values = Array.from(map.values).concat(map.clsWeight ?? []);
    const shows = phrase("drawn_entropy", { who, entropy: map.numbers.entropy.toFixed(1), most: Math.log2(map.count).toFixed(1) });
    return { bars: { values: values.sort((a, b) => b - a), line: 1 / map.count }, shows };
  },

  uniform({ result, state, stage, at, who }) {
    const map = rowOf(result, state);
    if (!map) return null;
    const even = { ...map, values: map.values.map(() => 1 / map.count) };
    const outlines = at.cls ? [] : [{ box: cellBox(stage.query, at.cell) }];
    const times = statistics(map.values).maximum * map.count;
    const values = { who, share: percent(1 / map.count), keys: map.count, times: times >= 9.95 ? Math.round(times) : times.toFixed(1) };
    const panels = [even, map].map((each) => ({ map: { ...each, low: 0, high: map.largest || 1 }, light: true, outlines }));
    return { panels, shows: phrase("drawn_uniform", values) };
  },

  classifier({ result }) {
    const [{ label, probability }] = result.header.top;
    const rest = 1 - probability;
    const rows = [
      { label: firstName(label), share: probability, words: percent(probability) },
      { label: phrase("drawn_classifier_others"), share: rest, words: percent(rest) },
    ];
    return { rows, shows: phrase("drawn_classifier", { classes: result.header.classes }) };
  },

  logit({ result }) {
    const { top } = result.header;
    const rows = top.map(({ label, probability }) => ({ label: firstName(label), share: probability, words: percent(probability) }));
    if (rows.length < 2) return { rows, shows: phrase("drawn_logit_one", { first: rows[0].label }) };
    const lead = Math.log(top[0].probability / Math.max(top[1].probability, 1e-38)); // the difference of two logits, by softmax
    const times = Math.exp(lead);
    const values = { lead: number(lead), times: times >= 9.95 ? Math.round(times).toLocaleString("en") : times.toFixed(1) };
    return { rows, shows: phrase("drawn_logit", { ...values, first: rows[0].label, second: rows[1].label }) };
  },
};

/** Maps of attention beside each other; null if none is loaded. */
function attentions(maps, chosen, stage, at) {
  const outlines = at.cls ? [] : [{ box: cellBox(stage.query, at.cell) }];
  if (!maps.some(Boolean)) return null;
  return maps.map((map, index) => ({ map: map && lit(map), light: true, outlines, chosen: maps.length > 1 && index === chosen }));
}

/**
 * What a term's drawing shows of a result with these choices.
 * @param {import("../words/terms.js").Term} term
 * @param {import("./result.js").Result} result
 * @param {import("./state.js").Choices} state
 * @returns {Scene}
 */
export function scene(term, result, state) {
  const stage = result.stages[state.stage];
  const at = queryOf(stage, state);
  const who = phrase(at.cls ? "the_cls_token" : "this_token");
  return SCENES[term]({ result, state, stage, at, who }) ?? { panels: [{}], shows: phrase("not_drawn") };
}
