// The ways to ask for a prediction.

import * as cells from "./cells.js";
import * as choice from "./choice.js";
import * as number from "./number.js";

/**
 * @typedef {object} Asked what an ask is made of
 * @property {string} name the question, for screen readers
 * @property {any} ask as the lesson has it
 * @property {any} context as measures get it
 * @property {{ value: string, text: string }[]} options of a choice
 * @property {{ least: number, most: number, step: number, unit: string }} scale of a number
 * @property {{ stage: number, which: "query" | "key", shape: [number, number] }} grid of cells
 * @property {(value: string | number | number[] | null) => void} changed takes the answer so far; null: there is none
 * @property {() => void} ready the answer is complete, and a key press can send it
 *
 * @typedef {object} Mounted
 * @property {() => void} focus
 * @property {(truth: import("../grade.js").Truth, grade: import("../grade.js").Grade, answer: any) => void} reveal draws both
 * @property {() => void} destroy
 *
 * @typedef {(root: HTMLElement, asked: Asked) => Mounted} Mount
 */

/** @type {Record<string, Mount>} */
export const ASKS = { cells: cells.mount, choice: choice.mount, number: number.mount };
