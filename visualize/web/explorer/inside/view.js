// What the microscope shows: from a block's numbers and the choices to the numbers of every step. No DOM here.

import { cellOf } from "../../shared/geometry.js";
import { softmax } from "./inside.js";
import { channelOf, queryOf } from "../views.js";

/** Terms of the linear layer that are shown one by one. */
export const TERMS = 6;

/**
 * @typedef {ReturnType<typeof look>} Look
 */

/**
 * The numbers of all steps. Places are indices in their grid, −1 is the cls token. `key`: the key to compare with; null is the place with
 * the largest weight. `place`: what the projection makes: the token under the pointer as a query, or that key or value.
 * @param {import("./inside.js").Inside} inside
 * @param {import("../result.js").Result} result
 * @param {import("../state.js").Choices} state
 * @param {number | null} chosen
 */
export function look(inside, result, state, chosen) {
  const stage = result.stages[state.stage];
  const { heads } = stage;
  const dim = inside.channels / heads;
  const head = Math.min(heads - 1, Math.max(0, state.heads[state.stage]));
  const entry = Math.min(dim, Math.max(1, Math.round(Number(state.output)) || 1)) - 1;
  const query = queryOf(stage, state);
  const token = query.cls ? -1 : query.cell.index;
  const first = stage.cls ? 1 : 0; // the cls token's key comes first
  const scores = inside.scores(head, heads, token);
  const { weights, most, total } = softmax(scores);
  const strongest = strongestOf(weights.subarray(first));
  const key = chosen !== null && chosen >= -first && chosen < weights.length - first ? chosen : strongest;
  const projection = state.projection;
  const place = projection === "query" ? token : key;
  const grid = projection === "query" ? stage.query : stage.key;
  const channel = channelOf(result, state, state.stage);
  const settings = inside.settings(projection);
  const cell = place < 0 ? null : cellOf(grid, place);
  const kind = place < 0 ? "none" : settings.kind;
  const output = head * dim + entry;
  return {
    inside,
    stage: state.stage,
    block: state.blocks[state.stage],
    projection,
    kind, // what stands before the linear layer at this place
    of: settings.kind, // and at all others
    settings,
    channel,
    channels: inside.channels,
    place,
    grid,
    cell,
    head,
    heads,
    mean: state.heads[state.stage] < 0 && heads > 1, // the picture shows the mean over heads
    seen: state.layer === "attention" && state.view === "token" && key >= 0, // the picture shows this weight
    dim,
    entry,
    output,
    step: kind === "none" || !cell ? null : inside.step(projection, channel, cell.row, cell.column),
    terms: inside.terms(projection, output, place, TERMS),
    token,
    tokenCell: token < 0 ? null : query.cell,
    key,
    keyCell: key < 0 ? null : cellOf(stage.key, key),
    strongest: key === strongest,
    first,
    ...inside.score(head, heads, token, key),
    scores,
    weights,
    weight: weights[key + first],
    most,
    total,
    order: Array.from(weights.keys()).sort((a, b) => weights[b] - weights[a]),
  };
}

function strongestOf(weights) {
  let found = 0;
  for (let index = 1; index < weights.length; index++) if (weights[index] > weights[found]) found = index;
  return found;
}
