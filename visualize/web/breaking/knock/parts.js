// The parts of a model that can be switched off, as plain data. Stages, blocks and heads count from 0 here, from 1 on the server.

import { CHOICES } from "../../choices.js";

/**
 * @typedef {{ stage: number, block: number, part: string, head: ?number }} Part
 * @typedef {{ logit: number, probability: number }} Loss
 */

export const WAYS = Object.keys(CHOICES.how.values);
const CONVS = { dw_bn: ["query_conv", "key_conv", "value_conv"], avg: ["key_conv", "value_conv"], linear: [] };
const BRANCHES = ["attention", "mlp"];

/** @param {Part} part */
export const idOf = ({ stage, block, part, head }) => `${stage}.${block}.${part}.${head ?? ""}`;

/**
 * The switches of a block in groups, in the order of computation: [[group, parts]]. "block" is its two branches.
 * @param {{ heads: number, projection: { method: string } }} of
 * @returns {[string, Part[]][]}
 */
export function partsOf({ heads, projection }, stage, block) {
  const one = (part, head = /** @type {?number} */ (null)) => ({ stage, block, part, head });
  return [
    ["block", [one("block")]],
    ["conv", CONVS[projection.method].map((part) => one(part))],
    ["heads", Array.from({ length: heads }, (_, head) => one("head", head))],
    ["attention", [one("attention")]],
    ["attention_residual", [one("attention_residual")]],
    ["mlp", [one("mlp")]],
    ["mlp_residual", [one("mlp_residual")]],
  ];
}

/** Whether a part can be replaced in this way. */
export const canBe = ({ part }, how) => how !== "uniform" || part === "head" || part === "attention";

/** A part, or the two of a block. */
export const branches = (part) => (part.part === "block" ? BRANCHES.map((each) => ({ ...part, part: each })) : [part]);

/**
 * Whether a part is off.
 * @param {Map<string, Part>} off
 * @param {Part} part
 */
export const isOff = (off, part) => branches(part).every((each) => off.has(idOf(each)));

/** `off` with a part switched. */
export function switched(off, part) {
  const next = new Map(off);
  const was = isOff(off, part);
  for (const each of branches(part)) was ? next.delete(idOf(each)) : next.set(idOf(each), each);
  return next;
}

/** What is off, for words: the two branches of a block are the block. */
export function named(off) {
  const whole = ({ stage, block, part }) => BRANCHES.includes(part) && isOff(off, { stage, block, part: "block", head: null });
  return [...off.values()].flatMap((each) => (!whole(each) ? [each] : each.part === "mlp" ? [] : [{ ...each, part: "block" }]));
}

/** A number of a link, of which "last" is the last of `count`. */
export const numberOf = (value, count) => (value === "last" ? count : Number(value));

/** What is off as the text of a link, which counts from 1: "3.8.head2,3.7.attention". */
export const offText = (off) =>
  named(off)
    .map(({ stage, block, part, head }) => `${stage + 1}.${block + 1}.${part}${head === null ? "" : head + 1}`)
    .join(",");

/**
 * What a link's text switches off in a model of these stages; null if it has no such part, or one is named twice. "last" is the model's
 * last stage, or its last block, "all" are its blocks.
 * @param {string} text
 * @param {any[]} stages as a result's header describes them
 */
export function offOf(text, stages) {
  let off = new Map();
  for (const each of text.split(",").filter(Boolean)) {
    const [, stage, block, part, head] = /^(\d+|last)\.(\d+|last|all)\.([a-z_]+)(\d*)$/.exec(each) ?? [];
    const at = numberOf(stage, stages.length) - 1;
    const depth = stages[at]?.depth ?? 0;
    const layers = block === "all" ? Array.from({ length: depth }, (_, layer) => layer) : [numberOf(block, depth) - 1];
    if (!layers.length || !layers.every((layer) => layer >= 0 && layer < depth)) return null;
    for (const layer of layers) {
      const known = partsOf(stages[at], at, layer).flatMap(([, parts]) => parts);
      const found = known.find((one) => one.part === part && (one.head === null ? head === "" : one.head === Number(head) - 1));
      if (!found || branches(found).some((one) => off.has(idOf(one)))) return null;
      off = switched(off, found);
    }
  }
  return off;
}

/** For the server. */
export const interventions = (off, how) =>
  [...off.values()].map(({ stage, block, part, head }) => ({
    stage: stage + 1,
    block: block + 1,
    part,
    how,
    ...(head === null ? {} : { head: head + 1 }),
  }));

/** The server's losses by the parts' ids: [{ part, logit, probability }]. */
export const lossesOf = (answer) =>
  answer.losses.map(({ stage, block, part, head, logit, probability }) => ({
    part: { stage: stage - 1, block: block - 1, part, head: head === null ? null : head - 1 },
    logit,
    probability,
  }));

/** The one with the largest loss of the logit among those for which `which` holds; null if there is none. */
export const most = (losses, which = (/** @type {Part} */ _part) => true) =>
  losses.filter(({ part }) => which(part)).reduce((found, each) => (found && found.logit >= each.logit ? found : each), null);

export const STEPS = [0.1, 0.3, 1, 3]; // of the logit; a loss of 1 divides a class's odds by 2.7

/** How strongly a loss is tinted: 0 to 4 by STEPS, −1 where the logit rises by the first of them or more. */
export const levelOf = (loss) => (loss <= -STEPS[0] ? -1 : STEPS.filter((step) => loss >= step).length);
