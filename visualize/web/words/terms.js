// The terms that open in texts: [words|term] in a template names one of them.

import { phrase, SENTENCES } from "./phrase.js";

/**
 * For each term: the keys of its name and of what it means.
 * @satisfies {Record<string, [keyof typeof SENTENCES, keyof typeof SENTENCES]>}
 */
export const TERMS = {
  attention: ["name_attention", "term_attention"],
  block: ["name_block", "term_block"],
  cell: ["name_cell", "term_cell"],
  channel: ["name_channel", "term_channel"],
  classifier: ["name_classifier", "term_classifier"],
  cls_token: ["name_cls_token", "term_cls_token"],
  conv_embedding: ["name_conv_embedding", "term_conv_embedding"],
  conv_projection: ["name_conv_projection", "term_conv_projection"],
  entropy: ["name_entropy", "term_entropy"],
  head: ["name_head", "term_head"],
  key: ["name_key", "term_key"],
  logit: ["name_logit", "term_logit"],
  mlp: ["name_mlp", "term_mlp"],
  padding: ["name_padding", "term_padding"],
  pca: ["name_pca", "term_pca"],
  query: ["name_query", "term_query"],
  receptive_field: ["name_receptive_field", "term_receptive_field"],
  similarity: ["name_similarity", "term_similarity"],
  stage: ["name_stage", "term_stage"],
  stride: ["name_stride", "term_stride"],
  token: ["name_token", "term_token"],
  uniform: ["name_uniform", "term_uniform"],
  value: ["name_value", "term_value"],
};

/** @typedef {keyof typeof TERMS} Term */

/** Whether there is such a term; a text may hold brackets of its own. */
export const isTerm = (name) => Object.hasOwn(TERMS, name);

/**
 * A term's name and what it means.
 * @param {Term} term
 */
export function definition(term) {
  const [name, meaning] = TERMS[term];
  return { name: phrase(name), meaning: phrase(meaning) };
}
