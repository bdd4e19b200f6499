// The picture's layers, one row each; everything that draws, describes or exports the layer reads its row.

import { sides } from "../words/format.js";
import { drawLight, drawMap, lightOf } from "../shared/draw.js";
import { ofAttention, ofClass, ofFeatures, ofNothing } from "./finding.js";
import { ancestors, covers } from "../shared/geometry.js";
import { attentionCode, embeddingCode, evidenceCode, featureCode } from "./code.js";
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
const nobody = () => ""; // the token is outlined

/** How to read a layer with an outlined token: its ancestors if they are drawn, else `otherwise`. */
function legendOf(result, state, otherwise) {
  const { query } = result.stages[state.stage];
  const { cell, cls } = queryOf(result.stages[state.stage], state);
  if (!state.ancestors || cls) return otherwise;
  return chainSentence(ancestors(result.stages, state.stage, cell), state.stage, query.field, query.stride);
}

/**
 * Draws a map of attention on a canvas that shows the picture: as light, or as an exact map in colours.
 * @param {ReturnType<typeof attentionMap>} map
 */
export function paintAttention(canvas, map, result, state, index, options = {}) {
  const top = map && attentionTop(result, state, index, map);
  if (state.paint === "light") {
    const light = map && { ...map, light: (weight) => lightOf(weight / map.even, top / map.even) };
    return drawLight(canvas, light, result.input, options);
  }
  drawMap(canvas, map && { ...map, low: 0, high: top, colours: state.colours }, result.input, { smooth: state.smooth, ...options });
}

/**
 * Draws what each place adds to a class: as light, with what subtracts in blue, or as an exact map in colours.
 * @param {ReturnType<typeof evidenceMap>} map
 */
export function paintEvidence(canvas, map, result, state, options = {}) {
  if (state.paint === "light") drawLight(canvas, map && { ...map, light: (value) => value / map.high }, result.input, options);
  else drawMap(canvas, map, result.input, { smooth: state.smooth, ...options });
}

/**
 * For each layer, from a result and the choices: whether a result has it (`there`); what is drawn (`map`, as draw.js takes it);
 * how, if not by `drawMap` (`paint`); what it shows in numbers (`finding`, a headline and a detail with terms);
 * what is outlined (`marks`: "token", "key" or null; or a class's `region`); the label in the corner of the picture (`who`);
 * what is shown (`sentence`) and how to read it (`legend`); and the Python code that computes it (`code`).
 */
export const LAYERS = {
  attention: {
    there: always,
    map: (result, state) => attentionMap(result, state, state.stage),
    paint: (canvas, map, result, state, options) => paintAttention(canvas, map, result, state, state.stage, options),
    marks: ({ view }) => ({ token: "token", received: "key", mean: null })[view],
    who(result, state) {
      if (state.view === "mean") return phrase("all_tokens");
      return queryOf(result.stages[state.stage], state).cls ? phrase("cls_token") : "";
    },
    finding: ofAttention,
    sentence: (result, state) => attentionWords(result, state, state.stage),
    legend(result, state) {
      const { query, key } = result.stages[state.stage];
      const reduction = (query.shape[0] * query.shape[1]) / (key.shape[0] * key.shape[1]);
      const { cls } = queryOf(result.stages[state.stage], state);
      const words = attentionLegend({ view: state.view, cls, reduction, field: sides(query.field) });
      const all = state.view === "token" ? legendOf(result, state, words) : words;
      return state.paint === "light" && !covers(state.view === "received" ? query : key, result.input)
        ? `${all} ${phrase("edge_cells")}`
        : all;
    },
    code: attentionCode,
  },
  features: {
    there: always,
    map: (result, state) => featureMap(result, state, state.stage),
    marks: () => "token",
    who: nobody,
    finding: ofFeatures,
    sentence: (result, state) => featureWords(result, state, state.stage),
    legend: (result, state) => legendOf(result, state, phrase("legend_features")),
    code: featureCode,
  },
  class: {
    there: (result) => Boolean(classEvidence(result, 0)),
    map: (result, state) => evidenceMap(result, state.which),
    paint: paintEvidence,
    marks: () => "token",
    region: (result, state) => classRegion(result, state.which),
    who: evidenceHere,
    finding: ofClass,
    sentence: evidenceWords,
    legend(result, state) {
      const found = evidenceMap(result, state.which);
      return found ? evidenceLegend({ ...found, cls: result.last.cls, paint: state.paint }) : "";
    },
    code: evidenceCode,
  },
  none: {
    there: always,
    map: () => null,
    marks: () => "token",
    who: nobody,
    finding: ofNothing,
    sentence: (result, state) =>
      state.part === "embedding" ? embeddingSentence(result, state) : attentionWords(result, state, state.stage),
    legend: (result, state) => legendOf(result, state, phrase("legend_token")),
    code: (about) => (about.state.part === "embedding" ? embeddingCode(about) : attentionCode(about)),
  },
};
