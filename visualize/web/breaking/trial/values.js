// What is on trial, as plain data: the server's maps as rows, sorted, and as light.

import { lightOf } from "../../shared/draw.js";

/**
 * @typedef {object} Sent one map of the server's answer; what was not measured is null
 * @property {string} method
 * @property {?number} stage from 1; null: all of the model
 * @property {boolean} of_class whether it depends on the class
 * @property {boolean} signed
 * @property {boolean} flat
 * @property {{ shape: [number, number], first: [number, number], stride: [number, number] }} grid
 * @property {number[][]} values
 * @property {?number[]} deletion
 * @property {?number[]} insertion
 * @property {?number} deletion_area
 * @property {?number} insertion_area
 * @property {?number} agreement
 * @property {?number} survives
 * @property {?boolean} beats
 *
 * @typedef {Sent & { gap: ?number }} Row a method; random maps are one row, with the means of their measures
 */

export const RANDOM = "random";
export const QUICK = ["cls_attention", "rollout", "relevance", "legrad", "grad_cam", RANDOM]; // a pass and its gradients
export const SLOW = ["integrated_gradients", "occlusion"]; // many passes
export const METHODS = [...QUICK.slice(0, -1), ...SLOW, RANDOM];
const STEADY = 0.5; // rank correlation from which a map counts as the same
const OUTLIERS = 0.99; // of the cells are drawn within the scale

const mean = (values) => values.reduce((sum, each) => sum + each, 0) / values.length;
const means = (lists) => lists[0].map((_, index) => mean(lists.map((each) => each[index])));

/**
 * One row per method, in the order of METHODS.
 * @param {Sent[]} maps
 * @returns {Row[]}
 */
export function rowsOf(maps) {
  return METHODS.flatMap((method) => {
    const own = maps.filter((each) => each.method === method);
    return own.length ? [rowOf(own)] : [];
  });
}

/** @param {Sent[]} maps of one method */
function rowOf(maps) {
  const of = (name) => (maps.every((each) => each[name] !== null) ? mean(maps.map((each) => each[name])) : null);
  const curve = (name) => (maps[0][name] ? means(maps.map((each) => each[name])) : null);
  const row = { ...maps[0], deletion: curve("deletion"), insertion: curve("insertion") };
  for (const name of ["deletion_area", "insertion_area", "agreement", "survives"]) row[name] = of(name);
  const [deletion, insertion] = [row.deletion_area, row.insertion_area];
  return { ...row, gap: deletion === null || insertion === null ? null : insertion - deletion };
}

/**
 * The rows of a trial, the best first.
 * @param {Row[]} rows
 */
export const sorted = (rows) => [...rows].sort((one, two) => (two.gap ?? 0) - (one.gap ?? 0));

/** What rows say: how many methods there are, which beat random maps or do not, and whose map stays the same on a new last stage. */
export function judgement(rows) {
  const methods = sorted(rows.filter(({ method }) => method !== RANDOM));
  return {
    count: methods.length,
    beating: methods.filter(({ beats }) => beats),
    failing: methods.filter(({ beats }) => !beats),
    steady: methods.filter(({ survives }) => survives !== null && survives >= STEADY),
  };
}

/**
 * A map as draw.js takes it: light above what every cell would have if all were alike; of signed maps, with what counts against the
 * class below 0.
 * @param {Sent} map
 */
export function lit({ grid, values: rows, signed, flat }) {
  const values = rows.flat();
  const drawn = { grid: { ...grid, field: grid.stride }, values };
  if (flat) return { ...drawn, light: () => 0 };
  if (!signed) {
    const even = mean(values);
    const top = Math.max(...values) / even;
    return { ...drawn, light: (value) => lightOf(value / even, top) };
  }
  const sizes = values.map(Math.abs).sort((one, two) => one - two);
  const high = sizes[Math.ceil(OUTLIERS * sizes.length) - 1] || sizes[sizes.length - 1];
  return { ...drawn, light: (value) => Math.max(-1, Math.min(1, value / high)) };
}
