// The parts that a link switches off, read as visualize/page/link/off.py does.

import { branches, canBe, idOf, numberOf, partsOf } from "../../breaking/knock/parts.js";

const PART = /^([1-9]|last)\.([1-9][0-9]?|last|all)\.([a-z_]+?)([1-9][0-9]?)?$/;

/** A part in every block where the link says so; none if there is no such part. */
function partsIn(text, stages) {
  const [, stage, block, name, head] = PART.exec(text) ?? [];
  const at = numberOf(stage, stages.length) - 1;
  if (!stages[at]) return []; // no number, too
  const { depth } = stages[at];
  const layers = block === "all" ? Array.from({ length: depth }, (_, layer) => layer) : [numberOf(block, depth) - 1];
  const number = head === undefined ? null : Number(head) - 1;
  const found = layers.flatMap((layer) => {
    const parts = layer < depth ? partsOf(stages[at], at, layer).flatMap(([, group]) => group) : [];
    return parts.filter((each) => each.part === name && each.head === number);
  });
  return found.length === layers.length ? found : [];
}

const written = ({ stage, block, part, head }) => `${stage + 1}.${block + 1}.${part}${head === null ? "" : head + 1}`;

/**
 * The parts that a model of these stages has and that can be replaced in this way, as text, and those that are refused.
 * @param {string} text
 * @param {string} how
 * @param {any[]} stages
 * @param {number} most parts
 */
export function readOff(text, how, stages, most) {
  const kept = [];
  const refused = [];
  const off = new Set();
  text.split(",").forEach((part, index) => {
    const found = index < most ? partsIn(part, stages) : [];
    const ids = found.flatMap(branches).map(idOf);
    const fits = found.every((each) => canBe(each, how)) && !ids.some((id) => off.has(id));
    if (!found.length || kept.length + found.length > most || !fits) return refused.push(part);
    kept.push(...found.map(written));
    ids.forEach((id) => off.add(id));
  });
  return { off: kept.join(","), refused };
}
