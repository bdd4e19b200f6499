// The microscope's formulas as MathML trees, for shared/tree.js. A part in a formula is a button that points at the same number elsewhere.

import { precise } from "../../words/format.js";

export const math = (...children) => ["math", { displaystyle: "true" }, ...children];
export const mi = (name) => ["mi", {}, name];
export const mo = (sign, form) => ["mo", form ? { form } : {}, sign];
export const sub = (name, index) => ["msub", {}, mi(name), typeof index === "string" ? mi(index) : mn(index + 1)];
export const fraction = (over, under) => ["mfrac", {}, over, under];
export const row = (...children) => ["mrow", {}, ...children];
export const root = (child) => ["msqrt", {}, child];
export const power = (base, exponent) => ["msup", {}, base, exponent];

/** A number: counts as they are, others with three significant digits, as powers of ten where they are too large or small for that. */
export function mn(value) {
  const size = Math.abs(value);
  if (Number.isInteger(value) && value >= 0 && size < 1e6) return ["mn", {}, String(value)];
  const large = size >= 1e6 || (size > 0 && size < 1e-5);
  const exponent = large ? Math.floor(Math.log10(size)) : 0;
  const digits = ["mn", {}, large ? precise(size / 10 ** exponent) : precise(size)];
  const ten = power(["mn", {}, "10"], exponent < 0 ? row(mo("−", "prefix"), mn(-exponent)) : mn(exponent));
  const shown = large ? row(digits, mo("·"), ten) : digits;
  return value < 0 ? row(mo("−", "prefix"), shown) : shown;
}

/** A factor after another: negative ones in brackets. */
export const factor = (value) => (value < 0 ? row(mo("("), mn(value), mo(")")) : mn(value));

/** a · b */
export const times = (a, b) => row(mn(a), mo("·"), factor(b));

/** A sum sign over i. */
export const sum = (most, index = "i") => ["munderover", {}, mo("∑"), row(mi(index), mo("="), mn(1)), mn(most)];

/** A formula as text, for the names of buttons: not all that reads them out knows MathML. */
const plain = (tree) =>
  typeof tree === "string"
    ? tree
    : tree
        .slice(2)
        .map(plain)
        .join(tree[0] === "msup" ? "^" : "");

/**
 * A piece of a formula that points at a part of the drawing.
 * @param {string} part
 */
export const piece = (part, tree, { hidden = false } = {}) => [
  "button",
  { type: "button", class: "cvt-piece", "data-number": part, "aria-label": plain(tree), style: hidden ? "visibility:hidden" : null },
  math(tree),
];

/** The same inside a fraction. */
export const inner = (part, tree, hidden = false) => [
  "mrow",
  { class: "cvt-piece", "data-number": part, style: hidden ? "visibility:hidden" : null },
  tree,
];

/** The sign before a term of a sum; none before the first, unless that is negative. */
export const sign = (value, first = false) => (value < 0 ? mo("−", first ? "prefix" : "infix") : first ? null : mo("+"));

/** Terms as a sum of pieces: [[part, value]]; `shown`: how many are there yet. */
export const terms = (values, shown = Infinity) =>
  values.flatMap(([part, value], index) => [
    piece(part, row(...[sign(value, index === 0), mn(Math.abs(value))].filter(Boolean)), { hidden: index >= shown }),
  ]);
