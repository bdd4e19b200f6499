// The laboratory's text and numbers. Counts are formatted as by the server (cvt/architecture/amounts.py).

import { firstName } from "./explorer.js";
import { NARROW, percent, sides } from "./format.js";
import { phrase } from "./phrase.js";

const MINUS = "−";
const COUNTS = [
  [1e12, " trillion"],
  [1e9, " billion"],
  [1e6, " million"],
  [1e3, " thousand"],
];
const BYTES = [
  [1e12, " TB"],
  [1e9, " GB"],
  [1e6, " MB"],
  [1e3, " kB"],
];

function scaled(count, units, smallest) {
  for (const [size, name] of units) {
    if (count < 0.9995 * size) continue; // what three digits would round up to it
    const value = count / size;
    const digits = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return `${value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits })}${name}`;
  }
  return `${count}${smallest}`;
}

/** 950, 12.3 thousand, 4.57 billion. */
export const inWords = (count) => scaled(count, COUNTS, "");

/** 950 bytes, 12.3 kB, 1.31 GB. */
export const inBytes = (count) => scaled(count, BYTES, " bytes");

/** The change of a number: "the same", "−38 %", "+9.5 %", "2.4 ×". */
export function change(value, before) {
  if (value === before) return phrase("same");
  if (!before) return phrase("new");
  const ratio = value / before;
  if (ratio >= 2) return `${ratio < 9.95 ? ratio.toFixed(1) : Math.round(ratio).toLocaleString("en")}${NARROW}×`;
  const share = Math.abs(ratio - 1) * 100;
  const digits = share >= 9.95 ? 0 : share >= 0.95 ? 1 : 2;
  if (share < 0.005) return `${ratio > 1 ? "+" : MINUS}<${NARROW}0.01${NARROW}%`;
  return `${ratio > 1 ? "+" : MINUS}${share.toFixed(digits)}${NARROW}%`;
}

/** A share of a whole: "41 %", "0.4 %"; never rounded to 0. */
export function share(part, all) {
  const value = all ? (100 * part) / all : 0;
  if (value > 0 && value < 0.05) return `<${NARROW}0.1${NARROW}%`;
  return `${value >= 0.95 || value === 0 ? Math.round(value) : value.toFixed(1)}${NARROW}%`;
}

/** A setting's value as text, as in cvt/architecture/settings.py. */
export function valueWords(value) {
  if (typeof value === "boolean") return phrase(value ? "on" : "off");
  if (Array.isArray(value)) return sides(value);
  if (value === "dw_bn") return phrase("method_dw_bn");
  return value === "avg" ? phrase("method_avg") : String(value);
}

const keysOf = ({ stages }) => stages.reduce((sum, { keys }) => sum + keys, 0);

/** How an amount changed: "keys 4 × as many", "multiply-adds +37 %"; `stage`: the one that it is of, or null for all. */
function amountChange(name, after, before, stage = null) {
  const where = stage === null ? "" : phrase("in_stage", { stage: stage + 1 });
  const ratio = Math.max(after, before) / Math.min(after, before);
  if (!(ratio >= 1.995 && ratio < Infinity)) return phrase("amount_changed", { name, where, change: change(after, before) });
  const whole = Math.abs(ratio - Math.round(ratio)) < 0.05 || ratio >= 9.95;
  const times = `${whole ? Math.round(ratio).toLocaleString("en") : ratio.toFixed(1)}${NARROW}×`;
  return phrase(after > before ? "times_as_many" : "times_fewer", { name, where, times });
}

/**
 * What a change costs or saves, in at most two amounts: keys where they changed, multiply-adds, else parameters. `before` and
 * `after`: the server's descriptions of the baseline and the variant.
 */
export function costChanges(before, after) {
  const keys = phrase("row_keys").toLowerCase();
  const alike = before.stages.length === after.stages.length;
  const changed = alike ? after.stages.flatMap((stage, index) => (stage.keys === before.stages[index].keys ? [] : [index])) : [];
  const [stage] = changed;
  const found = [];
  if (changed.length === 1) found.push(amountChange(keys, after.stages[stage].keys, before.stages[stage].keys, stage));
  else if (keysOf(after) !== keysOf(before)) found.push(amountChange(keys, keysOf(after), keysOf(before)));
  for (const name of /** @type {const} */ (["macs", "parameters"])) {
    if (found.length < 2 && after[name] !== before[name]) found.push(amountChange(phrase(name).toLowerCase(), after[name], before[name]));
  }
  return found;
}

/** The same as a sentence, for as long as nothing else is known. */
export function costWords(costs) {
  const [first = phrase("same_cost"), ...rest] = costs;
  return phrase("finding_costs", { costs: [first[0].toUpperCase() + first.slice(1), ...rest].join(", ") });
}

/** What is said while the variant is the baseline. */
export const baselineWords = ({ label, probability }) => phrase("finding_none", { label: firstName(label), share: percent(probability) });

/** The offered remedy, a setting of one stage or of the input; null stands for several together. */
export function remedyWords(remedy) {
  if (!remedy) return phrase("use_all");
  const values = { label: remedy.label.toLowerCase(), value: valueWords(remedy.value) };
  return remedy.stage === null ? phrase("use", values) : phrase("use_in_stage", { ...values, stage: remedy.stage + 1 });
}
