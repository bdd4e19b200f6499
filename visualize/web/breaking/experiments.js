// The experiments, by their names in a link. Each is loaded when somebody opens it.

/**
 * @typedef {object} Context what an experiment may use; all of it is its own until it is destroyed
 * @property {(name: string, body?: object, unable?: (reason: string) => void) => Promise<?any>} run asks the server about the shown
 *   result, which is added to `body` as `key`; shows progress and a Cancel button. A newer run ends the one before. Resolves to the answer,
 *   or to null if it was cancelled, overtaken or refused; a refusal is shown in words, or told to `unable` if there is no server
 * @property {(name: string, body?: object) => Promise<?any>} ask the same for what takes a few milliseconds, such as where the pointer is:
 *   it shows no progress, and does not end a run
 * @property {() => ?{state: object, result: any}} shown the view "before": the result and the choices; null until it is there
 * @property {(value: ?object, name?: string) => void} showAfter shows a result, as Python's `element_value`, in the view "after", under a
 *   heading; null: the same as before
 * @property {(sentence: string) => void} tell the finding, in large type
 * @property {(changes: object) => void} set changes choices of the view "before", and so of "after"
 * @property {AbortSignal} signal ends with the experiment
 *
 * @typedef {object} Experiment
 * @property {() => void} update another result is shown; it is not called for other choices
 * @property {() => void} [chosen] other choices in the view "before", such as another token
 * @property {() => void} destroy
 *
 * @typedef {object} Row
 * @property {boolean} pair whether there is a picture after
 * @property {() => Promise<{ mount: (root: HTMLElement, context: Context) => Experiment }>} load
 */

/** @type {Object<string, Row>} */
export const EXPERIMENTS = {
  knock: { pair: true, load: () => import("./knock/knock.js") },
  decide: { pair: false, load: () => import("./decide/decide.js") },
  position: { pair: true, load: () => import("./position/position.js") },
  reach: { pair: false, load: () => import("./reach/reach.js") },
  two: { pair: false, load: () => import("./two/two.js") },
  trial: { pair: false, load: () => import("./trial/trial.js") },
};
