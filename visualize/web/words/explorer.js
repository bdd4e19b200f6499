// The explorer's text. Rows, columns, stages, blocks and heads count from 1 in text, and only there.

import { grouped, number, orBelow, percent, sides, signed } from "./format.js";
import { phrase } from "./phrase.js";

/** "row 5, column 9". */
export const place = ({ row, column }) => phrase("place", { row: row + 1, column: column + 1 });

/** The same in short. */
export const shortPlace = ({ row, column }) => phrase("short_place", { row: row + 1, column: column + 1 });

/** The model of a result, by what is said of it, as `Explorer.load` takes it. */
export function modelWords({ model: name, built, changed }) {
  const model = name ?? phrase("own_model");
  return built ? phrase("variant_of", { model }) : changed ? phrase("changed_model", { model }) : model;
}

/** A class's first name: ImageNet's labels list synonyms after commas, "lesser panda, red panda, panda, …". */
export const firstName = (label) => label.split(",")[0];

const LEAST = 0.01; // of the probability: a second class that hardly counts is not worth a line

/** The second of the most probable classes, if it counts. */
export const nextWords = ([, second]) =>
  second?.probability >= LEAST ? phrase("verdict_next", { label: firstName(second.label), share: percent(second.probability) }) : "";

/** A range of values. */
export const rangeWords = (low, high) => phrase("range", { low: number(low), high: number(high) });

function headWords(head, heads) {
  if (heads === 1) return phrase("only_head");
  return head < 0 ? phrase("mean_of_heads", { heads }) : phrase("one_head", { head: head + 1 });
}

/**
 * What the attention picture shows, in one sentence.
 * `shown`: { stage, block, head, heads, view ("token" | "received" | "mean"), cls, cell, keyCell, queryShape, keyShape }.
 */
export function attentionSentence({ stage, block, head, heads, view, cls, cell, keyCell, queryShape, keyShape }) {
  const where = { stage: stage + 1, block: block + 1, heads: headWords(head, heads) };
  const [queries, keys] = [sides(queryShape), sides(keyShape)];
  if (view === "mean") return phrase("mean_attends", { ...where, queries, keys });
  if (view === "received") return phrase(cls ? "attend_to_cls" : "attend_to_key", { ...where, queries, place: place(keyCell) });
  return phrase(cls ? "cls_attends" : "token_attends", { ...where, keys, place: place(cell) });
}

/** Which of a stage's weights are shown, for captions under small pictures. `query`: from views.js's queryOf. */
export function queryWords(view, { cell, keyCell, cls }) {
  if (view === "mean") return phrase("mean_of_tokens");
  if (view === "received") return cls ? phrase("to_cls_token") : phrase("to_place", { place: shortPlace(keyCell) });
  return cls ? phrase("cls_token") : shortPlace(cell);
}

/** What attends to what in a stage. */
export function queriesWords({ query, key, cls }) {
  const times = (query.shape[0] * query.shape[1]) / (key.shape[0] * key.shape[1]);
  const values = { queries: sides(query.shape), keys: sides(key.shape), times: times.toFixed(times % 1 > 0.05 ? 1 : 0) };
  if (times > 1.05) return phrase(cls ? "queries_fewer_cls" : "queries_fewer", values);
  return phrase(cls ? "queries_cls" : "queries", values);
}

/** What the strip of blocks shows. `asks`: the cls token is the query; `row`: a row of weights per block, which has an entropy. */
export function blocksWords({ blocks, head, heads, cls, asks, row }) {
  const found = [phrase(asks ? "blocks_cls" : "blocks", { blocks })];
  if (heads > 1) found.push(head < 0 ? phrase("blocks_mean") : phrase("blocks_head", { head: head + 1 }));
  if (row) found.push(phrase(cls ? "blocks_numbers_cls" : "blocks_numbers"));
  return found.join(" ");
}

/** What the feature picture shows, in one sentence. `shown`: { stage, view, channel, width, cell, centred, explained, shape }. */
export function featureSentence({ stage, view, channel, width, cell, centred, explained, shape }) {
  const values = { stage: stage + 1, shape: sides(shape), width };
  if (view === "pca") return phrase("features_pca", { ...values, share: percent(explained.reduce((sum, each) => sum + each, 0)) });
  if (view === "mean") return phrase("features_mean", values);
  if (view === "channel") return phrase("features_channel", { ...values, channel: channel + 1 });
  return phrase(centred ? "features_similarity_centred" : "features_similarity", { ...values, place: place(cell) });
}

/** What is written under a feature picture: { name, caption }. */
export function featureCaption(view, { explained = [0], channel = 0, low = 0, high = 0 }) {
  if (view === "pca") {
    return { name: phrase("pca"), caption: phrase("pca_caption", { share: percent(explained.reduce((sum, each) => sum + each, 0)) }) };
  }
  if (view === "similarity") return { name: phrase("similarity"), caption: phrase("similarity_caption", { low: number(low) }) };
  const name = view === "mean" ? phrase("mean") : phrase("channel", { channel: channel + 1 });
  return { name, caption: rangeWords(low, high) };
}

/** The region of a class, and how channels are sorted by it. `region`: from views.js's classRegion. */
export const regionWords = ({ cells, share, grid }, label) =>
  phrase("region", { cells: cells.size, grid: sides(grid.shape), share: percent(share), label: firstName(label) });

/** What a conv embedding is. `before`: { shape, width } of its input; `first`: its input is the picture. */
export function embeddingWords({ before, stage, first }) {
  const { kernel, stride, padding } = stage.embedding;
  const made = { kernel: sides(kernel), stride: stride[0], padding: padding[0], after: sides(stage.query.shape), width: stage.width };
  return phrase(first ? "embedding_of_pixels" : "embedding_of_tokens", { ...made, before: sides(before.shape), numbers: before.width });
}

/** Its cost and the purpose of its overlap. `share`: of the pixels that two neighbouring tokens share. */
export function embeddingFacts({ before, stage, first, share }) {
  const { kernel, stride } = stage.embedding;
  const { width } = stage;
  const terms = kernel[0] * kernel[1] * before.width;
  const both = Math.max(0, kernel[1] - stride[1]);
  return [
    phrase(first ? "sum_of_pixels" : "sum_of_tokens", { kernel: sides(kernel), numbers: before.width, terms, width }),
    phrase("embedding_weights", { weights: grouped(terms * width + width) }),
    phrase(both ? "overlap" : "no_overlap", { both, columns: kernel[1], share: percent(share) }),
    phrase("patches_apart"),
  ].join(" ");
}

/** What the classifier is. */
export const classifierWords = ({ width, classes, cls }) => phrase(cls ? "classifier_cls" : "classifier_mean", { width, classes });

/** What an open conv embedding shows, in one sentence. */
export const embeddingSentence = ({ stage, cell, embedding: { kernel } }) =>
  phrase(stage ? "embedding_from_tokens" : "embedding_from_pixels", {
    stage: stage + 1,
    before: stage,
    place: place(cell),
    kernel: sides(kernel),
  });

/** What the class picture shows, in one sentence. `shown`: { stage, depth, cls, grid, label }. */
export function evidenceSentence({ stage, depth, cls, grid, label }) {
  const values = { label: firstName(label), grid: sides(grid.shape), stage: stage + 1, depth };
  return phrase(!cls ? "evidence_tokens" : depth === 1 ? "evidence_cls_block" : "evidence_cls", values);
}

/** What adds to a class's score, by how it is drawn. */
export const addsWord = (paint) => phrase(paint === "light" ? "adds_light" : "adds_map");

/** How to read the class picture. `found`: from views.js's evidenceMap. */
export function evidenceLegend({ high, places, rest, cls, paint }) {
  const values = { adds: addsWord(paint), high: number(high), places: signed(places), rest: signed(rest), sum: signed(places + rest) };
  return phrase(cls ? "evidence_legend_cls" : "evidence_legend", values);
}

/** Labels of a row's statistics. */
export const numberNames = () => ({
  minimum: phrase("minimum_name"),
  maximum: phrase("maximum_name"),
  uniform: phrase("uniform_name"),
  entropy: phrase("entropy_name"),
  cls: phrase("cls_name"),
});

/** Those statistics in words. `clsWeight`: null without a cls token; `row`: the row's largest weight, including the token's. */
export function rowNumbers({ minimum, maximum, entropy, uniform }, keys, clsWeight = null, row = maximum) {
  return {
    minimum: orBelow(minimum, maximum),
    maximum: percent(maximum),
    uniform: phrase("uniform", { times: uniform >= 9.95 ? Math.round(uniform) : uniform.toFixed(1) }),
    entropy: phrase("entropy_of", { entropy: entropy.toFixed(1), most: Math.log2(keys).toFixed(1) }),
    cls: clsWeight === null ? null : orBelow(clsWeight, row),
  };
}

/** How to read attention on the picture: what is outlined, what is filled. */
export function attentionLegend({ view, cls, reduction, field }) {
  if (view === "mean") return phrase("legend_mean");
  if (view === "received") return phrase(cls ? "legend_received_cls" : "legend_received");
  const values = { field, tokens: Math.round(reduction) };
  if (reduction > 1.05) return phrase(cls ? "legend_cls_reduced" : "legend_attends_reduced", values);
  return phrase(cls ? "legend_cls" : "legend_attends", values);
}

/**
 * Where a token comes from, with its numbers. `windows`: of geometry.js's ancestors; `stage` from 0; `field` and `stride`
 * in pixels, (vertical, horizontal).
 */
export function chainSentence(windows, stage, field, stride) {
  const steps = windows.map(({ stage: each, top, left, bottom, right }) =>
    phrase("chain_tokens", { shape: sides([bottom - top + 1, right - left + 1]), stage: each + 1 }),
  );
  const chain = [phrase("chain_token", { stage: stage + 1 }), ...steps, phrase("pixels", { size: sides(field) })].join(" ← ");
  return phrase("chain", { chain, patch: sides(stride) });
}

/** What two neighbouring tokens share, and what the patches of a ViT do. */
export const overlapWords = (share, field) => ({
  name: phrase("neighbours"),
  value: phrase("neighbours_share", { share: percent(share), field: sides(field) }),
});
export const patchWords = (stride) => ({ name: phrase("patches"), value: phrase("patches_share", { patch: sides(stride) }) });
