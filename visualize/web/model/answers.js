// The experiments' answers in the browser, by the name under which they are asked: the same questions and answers as those of
// visualize/page/breaking. Each takes the engine, the result that is asked about, the question, and what hears of its progress.

import { distance } from "./distance.js";
import { importance, knockOut } from "./knock.js";
import { lens } from "./lens.js";
import { transform } from "./shift.js";

/**
 * @typedef {(engine: import("./engine.js").Engine, before: import("./engine.js").Result, asked: any,
 *   onStep: (step: { step: string, share: number }) => void, signal?: AbortSignal) => Promise<any>} Answer
 */

/** @type {Record<string, Answer>} */
export const ANSWERS = { knock_out: knockOut, importance, lens, distance, transform };
