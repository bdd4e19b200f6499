// The laboratory's text and numbers. Counts are formatted as by the server (cvt/architecture/amounts.py).

import { NARROW, sides } from "./format.js";
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

/** The differences from the baseline, empty if there are none: `stages` more (or, below 0, fewer), `settings`, and the input. */
export function differenceWords({ stages, settings, input }) {
  const changes = [
    stages && phrase(stages > 0 ? "more_stages" : "fewer_stages", { count: Math.abs(stages) }),
    settings && phrase("settings_differ", { count: settings }),
    input && phrase("other_input"),
  ].filter(Boolean);
  return changes.length ? phrase("changes", { changes: changes.join(", ") }) : "";
}

/** The offered remedy, a setting of one stage or of the input; null stands for several together. */
export function remedyWords(remedy) {
  if (!remedy) return phrase("use_all");
  const values = { label: remedy.label.toLowerCase(), value: valueWords(remedy.value) };
  return remedy.stage === null ? phrase("use", values) : phrase("use_in_stage", { ...values, stage: remedy.stage + 1 });
}
