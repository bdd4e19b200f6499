// Mounts an explorer in any page: Gradio's, one file without a server, a notebook.

import { Explorer } from "./explorer.js";

/**
 * @typedef {(key: string, stage: number, block: number) => Promise<?ArrayBuffer>} OfBlock
 *
 * @typedef {object} Source the results' data; promises resolve to null if they are no longer stored
 * @property {(key: string, signal: AbortSignal) => Promise<?ArrayBuffer>} result a result's payload, from visualize/draw/payload.py
 * @property {OfBlock} block the attention of one block that is too large for the payload
 * @property {OfBlock} [inside] the microscope's data, if the host has it
 *
 * @typedef {{ preset: string } | { experiment: string } | { lesson: string }} Goal
 *
 * @typedef {object} Host what the page around an explorer supplies; only the source is required
 * @property {Source} source
 * @property {object} [value] the first result to show, as `Explorer.load` takes it
 * @property {(explorer: Explorer) => void} [ready] takes the explorer, to show other results in it
 * @property {(explorer: Explorer) => void} [shown] another result is drawn
 * @property {(explorer: Explorer, before: object) => void} [chosen] the choices changed; `before`: the previous ones
 * @property {(goal: Goal) => void} [start] opens the laboratory with a preset, an experiment, or a lesson
 * @property {(explorer: Explorer, signal: AbortSignal) => Promise<Blob>} [saved] the shown result as a page of one file
 * @property {() => void} [renew] a result that is no longer stored is requested again
 */

/**
 * Mounts an explorer in two elements that hold its templates. Returns its clean-up, which restores them.
 * @param {{ picture: HTMLElement, panels: HTMLElement }} elements
 * @param {Host} host
 */
export function mount(elements, host) {
  const explorer = new Explorer(elements, host);
  host.ready?.(explorer);
  if (host.value) explorer.load(host.value);
  return () => explorer.destroy();
}
