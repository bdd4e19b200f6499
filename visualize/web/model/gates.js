// Interventions: read from a question, checked, and written as the gates that the model's file takes. See visualize/change/parts.py and
// cvt/runtime/onnx/gates.py.

import { phrase } from "../words/phrase.js";
import { oneOf, whole } from "./asked.js";

/** @typedef {{ stage: number, block: number, part: string, head: ?number, how: string }} Intervention stages, blocks and heads from 0 */

const CONVS = { dw_bn: ["query_conv", "key_conv", "value_conv"], avg: ["key_conv", "value_conv"], linear: [] };
const RESIDUALS = ["attention_residual", "mlp_residual"];
const PARTS = ["head", "attention", "mlp", "block", ...CONVS.dw_bn, ...RESIDUALS];
export const WAYS = ["zero", "mean", "examples", "uniform"];
const NUMBERS = { zero: [0, 0, 0, 1], mean: [0, 1, 0, 1], examples: [0, 0, 1, 1], uniform: [1, 0, 0, 0] };
const OPEN = [1, 0, 0, 1];

/** What can replace a part. */
export const waysOf = (part) => (["head", "attention"].includes(part) ? WAYS : WAYS.slice(0, 3));

/** The intervention, or those on the two branches of its block. */
const singles = (each) => (each.part === "block" ? ["attention", "mlp"].map((part) => ({ ...each, part })) : [each]);
const placeOf = ({ stage, block, part, head }) => `stages.${stage}.layers.${block}.${part}${head === null ? "" : `.${head}`}`;

/**
 * The interventions of a question, sorted. Throws an Error with a sentence.
 * @param {any} given a list of objects that count from 1 @param {any[]} stages the model's
 * @returns {Intervention[]}
 */
export function read(given, stages) {
  if (!Array.isArray(given) || !given.every((each) => each && typeof each === "object" && !Array.isArray(each))) {
    throw new Error(phrase("no_interventions"));
  }
  const found = given.map((each) => readOne(each, stages)).sort(inOrder);
  const seen = new Set();
  for (const each of found) {
    const said = { stage: each.stage + 1, block: each.block + 1, part: each.part };
    if (!waysOf(each.part).includes(each.how)) throw new Error(phrase("no_way", { part: each.part }));
    if (CONVS.dw_bn.includes(each.part) && !CONVS[stages[each.stage].projection.method].includes(each.part)) {
      throw new Error(phrase("no_conv", said));
    }
    for (const place of singles(each).map(placeOf)) {
      if (seen.has(place)) throw new Error(phrase("twice", said));
      seen.add(place);
    }
  }
  return found;
}

function readOne(each, stages) {
  const stage = whole(each, "stage", 1, stages.length) - 1;
  const part = oneOf(each, "part", PARTS);
  return {
    stage,
    block: whole(each, "block", 1, stages[stage].depth) - 1,
    part,
    head: part === "head" ? whole(each, "head", 1, stages[stage].heads) - 1 : null,
    how: oneOf(each, "how", WAYS, "zero"),
  };
}

function inOrder(a, b) {
  for (const name of ["stage", "block", "part", "head", "how"]) if (a[name] !== b[name]) return a[name] < b[name] ? -1 : 1;
  return 0;
}

/**
 * The gates of several samples, each with its own interventions: (samples, gates, 4).
 * @param {Intervention[][]} samples @param {string[]} names of the gates, in order
 */
export function gatesOf(samples, names) {
  const places = new Map(names.map((name, index) => [name, index]));
  const gates = new Float32Array(samples.length * names.length * OPEN.length);
  for (let at = 0; at < gates.length; at += OPEN.length) gates.set(OPEN, at);
  samples.forEach((interventions, sample) => {
    for (const each of interventions.flatMap(singles)) {
      const gate = /** @type {number} */ (places.get(placeOf(each)));
      gates.set(NUMBERS[each.how], (sample * names.length + gate) * OPEN.length);
    }
  });
  return gates;
}

/** The first block of the last stage whose attention still adds to the classifier's input directly: as parts.py says. */
export function firstDirectBlock(interventions, stages) {
  const last = interventions.filter((each) => each.stage === stages.length - 1 && RESIDUALS.includes(each.part));
  return Math.max(0, ...last.map((each) => each.block + Number(each.part === "mlp_residual")));
}

/** Every block, its branches and its heads, those that can be replaced in this way. */
export function partsToTry(stages, how) {
  const found = /** @type {Intervention[]} */ ([]);
  stages.forEach(({ depth, heads }, stage) => {
    for (let block = 0; block < depth; block++) {
      for (const part of ["block", "attention", "mlp", "head"]) {
        if (!waysOf(part).includes(how)) continue;
        const all = part === "head" ? Array.from({ length: heads }, (_, head) => head) : [null];
        found.push(...all.map((head) => ({ stage, block, part, head, how })));
      }
    }
  });
  return found;
}
