// Numbers as text.

/** A thin space that does not break. */
export const NARROW = "\u202f";

/** 0.0123 → "1.2 %": two significant digits, never more than the data has. */
export function percent(share) {
  const value = share * 100;
  if (!(value > 0)) return `0${NARROW}%`;
  if (value < 0.001) return `<${NARROW}0.001${NARROW}%`;
  const digits = value >= 9.95 ? 0 : Math.min(3, 1 - Math.floor(Math.log10(value)));
  return `${value.toFixed(digits)}${NARROW}%`;
}

/** A weight; 0 means that it is below a byte's resolution of its row's largest, `most`. */
export const orBelow = (weight, most) => (weight > 0 || !(most > 0) ? percent(weight) : `<${NARROW}${percent(most / 255)}`);

/** A share in short: values below 1 % become "< 1 %". */
export const brief = (share) => (share < 0.0095 ? `<${NARROW}1${NARROW}%` : percent(share));

/** A number with two or three digits and a true minus sign. */
export function number(value) {
  const size = Math.abs(value);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : size === 0 ? 0 : 2;
  return value.toFixed(digits).replace("-", "−");
}

/** A number with three significant digits, for sums that a reader may check. */
export function precise(value) {
  const size = Math.abs(value);
  const text = size >= 100 ? value.toFixed(0) : size === 0 ? "0" : size < 0.0001 ? value.toFixed(5) : value.toPrecision(3);
  return text.replace("-", "−");
}

/**
 * 14, 14 → "14×14".
 * @param {number[]} shape
 */
export const sides = ([rows, columns]) => `${rows}×${columns}`;

/** A count with separated thousands. */
export const grouped = (count) => count.toLocaleString("en").replaceAll(",", NARROW);

/** A number with its sign. */
export const signed = (value) => `${value > 0 ? "+" : ""}${number(value)}`;

/** With a capital letter at its beginning. */
export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** Sentences one after the other; empty ones are left out. */
export const sentences = (...each) => each.filter(Boolean).join(" ");

/** 126658712 → "127 MB"; from a thousand of them on in GB. */
export function megabytes(bytes) {
  return bytes < 999.5e6 ? `${Math.ceil(bytes / 1e6)}${NARROW}MB` : `${(bytes / 1e9).toFixed(1)}${NARROW}GB`;
}
