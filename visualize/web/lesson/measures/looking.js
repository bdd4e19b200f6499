// Measures of attention and of class evidence: from the shown result, and from the server's answers about distances.

import { numberOf } from "../../breaking/knock/parts.js";
import { ofClass } from "../../explorer/finding.js";
import { attentionFinding } from "../../explorer/findings.js";
import { attentionMap, classEvidence, queryOf } from "../../explorer/views.js";
import { cellAt } from "../../shared/geometry.js";
import { CHANGED } from "../../shared/page.js";
import { clsLooks, looks } from "../../words/findings.js";
import * as words from "../../words/measures.js";
import { fieldWords } from "../../words/reach.js";
import { answered, leaders, noHeadsAt, noPlace, numbered, placeOf, winner } from "./common.js";

/** @typedef {import("./common.js").Measure} Measure */

const replaced = (values, at, value) => values.map((each, index) => (index === at ? value : each));

/** The choices that show a head of a place; its mean, −1. */
function headShown({ stage, block }, head, { blocks, heads }) {
  const chosen = { stage, blocks: replaced(blocks, stage, block), heads: replaced(heads, stage, head) };
  return { part: "stage", layer: "attention", view: "token", ...chosen };
}

/** The head that a lesson names, from 0; −1 is the mean of all. */
const headOf = ({ head = 0, stage }, { result: { stages } }) => numberOf(head, stages[numberOf(stage, stages.length) - 1].heads) - 1;

/** @type {Measure} */
const attention = {
  grid(parameters, context) {
    const { stage } = placeOf(parameters, context);
    return { stage, which: "key", shape: context.result.stages[stage].key.shape };
  },
  possible(parameters, context) {
    const absent = noPlace(parameters, context);
    if (absent) return absent;
    const { stage } = placeOf(parameters, context);
    const { heads, cls, key } = context.result.stages[stage];
    if (headOf(parameters, context) >= heads) return words.noHead(parameters.head, stage, heads);
    if (parameters.token === "cls" && !cls) return words.noCls(stage);
    return key.shape[0] * key.shape[1] > 1 ? null : words.oneCell(stage);
  },
  async truth(parameters, context) {
    const { result } = context;
    const place = placeOf(parameters, context);
    const show = { ...headShown(place, headOf(parameters, context), context.state), cls: parameters.token === "cls" };
    const state = { ...context.state, ...show };
    if (!result.block(place.stage, place.block)) await result.ask(place.stage, place.block);
    const map = /** @type {any} */ (attentionMap(result, state, place.stage));
    const { cell, cls } = queryOf(result.stages[place.stage], state);
    const finding = attentionFinding(map, cls ? null : { queries: result.stages[place.stage].query, cell }, result.input);
    const { headline } = cls ? clsLooks(finding) : looks(finding);
    return { value: null, values: Float32Array.from(map.values), sentence: headline, show };
  },
};

/** @type {Measure} */
const evidence = {
  grid(_, { result }) {
    const which = result.header.evidence;
    return { stage: result.stages.length - 1, which, shape: result.last[which].shape };
  },
  possible(_, { result }) {
    const found = classEvidence(result, 0);
    if (!found) return words.noEvidence();
    return found.values.length > 1 ? null : words.oneCell(result.stages.length - 1);
  },
  async truth(_, { result, state }) {
    const { values } = /** @type {any} */ (classEvidence(result, 0));
    const adds = Float32Array.from(values, (each) => Math.max(0, each));
    const show = { part: "stage", layer: "class", which: 0 };
    const { headline } = ofClass(result, { ...state, ...show });
    return { value: null, ...(adds.some((each) => each > 0) ? { values: adds } : {}), sentence: headline, show };
  },
};

const ALIKE = 0.05; // of the largest mean distance: stages or heads that differ by less look about equally far
const EQUALLY = "equally"; // the option "about equally far"
const farthest = (all) => leaders(all, -1, ALIKE * Math.max(...all));

const distances = (context) => answered(context, "distance");
const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;

/** @type {Measure} */
const distance = {
  possible: noPlace,
  scale: (_, { result }) => ({ least: 0, most: Math.max(...result.input), step: 1, unit: "px" }),
  async truth(parameters, context) {
    const { stage } = placeOf(parameters, context);
    const { heads, uniform } = (await distances(context)).stages[stage];
    const value = mean(heads.flat());
    return { value, sentence: words.distanceWords(stage, value, uniform) };
  },
};

/** @type {Measure} */
const farthestStage = {
  possible: (_, { result }) => (result.stages.length > 1 ? null : words.oneStage()),
  options: (_, { result }) => [...numbered(result.stages.length, words.stageName), { value: EQUALLY, text: words.equallyFar() }],
  async truth(_, context) {
    const all = (await distances(context)).stages.map(({ heads }) => mean(heads.flat()));
    const best = farthest(all);
    const alike = best.length === all.length;
    return { ...(alike ? { value: EQUALLY } : winner(best)), sentence: words.farthestWords(all, best) };
  },
};

/** @type {Measure} */
const nearestHead = {
  possible: noHeadsAt,
  options: (parameters, context) => [
    ...numbered(context.result.stages[placeOf(parameters, context).stage].heads, words.headName),
    { value: EQUALLY, text: words.equallyFar() },
  ],
  async truth(parameters, context) {
    const place = placeOf(parameters, context);
    const all = (await distances(context)).stages[place.stage].heads[place.block];
    const best = leaders(all, 1, ALIKE * Math.max(...all));
    return {
      ...(best.length === all.length ? { value: EQUALLY } : winner(best)),
      sentence: words.nearestWords(all, best),
      show: { ...headShown(place, best[0], context.state), cls: false },
    };
  },
};

/** The choices of the explorer on the open tab, if it shows the result: the experiments have one of their own, with its own token. */
function heldIn({ page, result, state }) {
  const { tab, view } = page.state;
  const before = tab === "break" ? view[CHANGED[0]] : null;
  return before?.result.key === result.key ? before.state : state;
}

/** @type {Measure} */
const field = {
  possible: noPlace,
  scale: (_, { result }) => ({ least: 1, most: 2 * Math.max(...result.input), step: 1, unit: "px" }), // the square may leave the picture
  async truth(parameters, context) {
    const { stage } = placeOf(parameters, context);
    const { y, x } = heldIn(context);
    const { row, column } = cellAt(context.result.stages[stage].query, y, x);
    const answer = await answered(context, "receptive_field", { stage: stage + 1, row: row + 1, column: column + 1 });
    return { value: answer.side, sentence: fieldWords(answer, stage + 1) };
  },
};

export const LOOKING = {
  attention,
  evidence,
  distance,
  "farthest-stage": farthestStage,
  "nearest-head": nearestHead,
  field,
};
