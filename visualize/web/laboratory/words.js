// The words and numbers of the laboratory. Counts are said as the server says them (cvt/architecture/amounts.py).

import { NARROW, sides } from "../shared/format.js";

/** What is said of the run; `kept`: a variant of before stays on the page. */
export const RUN = {
  baseline: "This is the baseline: both sides show the same model.",
  waiting: "Waiting in line …",
  cancelled: "Cancelled. The last variant stays; any change runs again.",
  lost: "The server has not answered. Any change tries again.",
  impossible: (kept) => (kept ? "This cannot be run. The last variant stays." : "This cannot be run."),
};

/** What is said while the model is packed and when it is saved. */
export const SAVING = { packing: "Packing the weights …", saved: "Saved. Unpack it, and from_pretrained opens the folder." };

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

/** What became of a number: "the same", "−38 %", "+9.5 %", "2.4 ×". */
export function change(value, before) {
  if (value === before) return "the same";
  if (!before) return "new";
  const ratio = value / before;
  if (ratio >= 2) return `${ratio < 9.95 ? ratio.toFixed(1) : Math.round(ratio).toLocaleString("en")}${NARROW}×`;
  const share = Math.abs(ratio - 1) * 100;
  const digits = share >= 9.95 ? 0 : share >= 0.95 ? 1 : 2;
  if (share < 0.005) return `${ratio > 1 ? "+" : MINUS}<${NARROW}0.01${NARROW}%`;
  return `${ratio > 1 ? "+" : MINUS}${share.toFixed(digits)}${NARROW}%`;
}

/** A share of a whole: "41 %", "0.4 %"; never rounded to nothing. */
export function share(part, all) {
  const value = all ? (100 * part) / all : 0;
  if (value > 0 && value < 0.05) return `<${NARROW}0.1${NARROW}%`;
  return `${value >= 0.95 || value === 0 ? Math.round(value) : value.toFixed(1)}${NARROW}%`;
}

const METHODS = { dw_bn: "convolution", avg: "mean" };

/** How a setting's value is written, as cvt/settings.py does. */
export function valueWords(value) {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (Array.isArray(value)) return sides(value);
  return METHODS[value] ?? String(value);
}
