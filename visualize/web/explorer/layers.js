// The picture's layers, one row each; everything that draws, describes or exports the layer reads its row.

import { sides } from "../words/format.js";
import { ancestors } from "../shared/geometry.js";
import { attentionCode, evidenceCode, featureCode } from "./code.js";
import {
  attentionMap,
  attentionTop,
  attentionWords,
  classEvidence,
  classRegion,
  embeddingSentence,
  evidenceHere,
  evidenceMap,
  evidenceWords,
  featureMap,
  featureWords,
  queryOf,
} from "./views.js";
import { attentionLegend, chainSentence, evidenceLegend } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";

const always = () => true;
const who = (result, state) => (queryOf(result.stages[state.stage], state).cls ? phrase("cls_token") : "");

/** How to read a layer with an outlined token: its ancestors if they are drawn, else `otherwise`. */
function legendOf(result, state, otherwise) {
  const { query } = result.stages[state.stage];
  const { cell, cls } = queryOf(result.stages[state.stage], state);
  if (!state.ancestors || cls) return otherwise;
  return chainSentence(ancestors(result.stages, state.stage, cell), state.stage, query.field, query.stride);
}

/**
 * For each layer, from a result and the choices: whether a result has it (`there`); what is drawn (`map`, as draw.js takes it);
 * what is outlined (`marks`: "token", "key" or null; or a class's `region`); the label in the corner of the picture (`who`);
 * what is shown (`sentence`) and how to read it (`legend`); and the Python code that computes it (`code`).
 */
export const LAYERS = {
  attention: {
    there: always,
    map(result, state) {
      const map = attentionMap(result, state, state.stage);
      return map && { ...map, low: 0, high: attentionTop(result, state, state.stage, map), colours: state.colours };
    },
    marks: ({ view }) => ({ token: "token", received: "key", mean: null })[view],
    who: (result, state) => who(result, state) || (state.view === "mean" ? phrase("all_tokens") : ""),
    sentence: (result, state) => attentionWords(result, state, state.stage),
    legend(result, state) {
      const { query, key } = result.stages[state.stage];
      const reduction = (query.shape[0] * query.shape[1]) / (key.shape[0] * key.shape[1]);
      const { cls } = queryOf(result.stages[state.stage], state);
      const words = attentionLegend({ view: state.view, cls, reduction, field: sides(query.field) });
      return state.view === "token" ? legendOf(result, state, words) : words;
    },
    code: attentionCode,
  },
  features: {
    there: always,
    map: (result, state) => featureMap(result, state, state.stage),
    marks: () => "token",
    who,
    sentence: (result, state) => featureWords(result, state, state.stage),
    legend: (result, state) => legendOf(result, state, phrase("legend_features")),
    code: featureCode,
  },
  class: {
    there: (result) => Boolean(classEvidence(result, 0)),
    map: (result, state) => evidenceMap(result, state.which),
    marks: () => "token",
    region: (result, state) => classRegion(result, state.which),
    who: (result, state) => evidenceHere(result, state) || who(result, state),
    sentence: evidenceWords,
    legend(result, state) {
      const found = evidenceMap(result, state.which);
      return found ? evidenceLegend({ ...found, cls: result.last.cls }) : "";
    },
    code: evidenceCode,
  },
  none: {
    there: always,
    map: () => null,
    marks: () => "token",
    who,
    sentence: (result, state) =>
      state.part === "embedding" ? embeddingSentence(result, state) : attentionWords(result, state, state.stage),
    legend: (result, state) => legendOf(result, state, phrase("legend_token")),
    code: attentionCode,
  },
};
