// Where an explorer meets the page around it: in the page, in one file without a server, in a notebook.

import { Explorer } from "./explorer.js";

/**
 * @typedef {(key: string, stage: number, block: number) => Promise<?ArrayBuffer>} OfBlock
 *
 * @typedef {object} Source where the data of results come from; each promise is of null where they are no longer kept
 * @property {(key: string, signal: AbortSignal) => Promise<?ArrayBuffer>} result what visualize/draw/payload.py makes of a result
 * @property {OfBlock} block the attention of one block, too large to travel with the rest
 * @property {OfBlock} [inside] what the microscope shows, where the host has it
 *
 * @typedef {object} Host what the page around an explorer supplies; only the source is needed
 * @property {Source} source
 * @property {object} [value] the first result to show, as `Explorer.load` takes it
 * @property {(explorer: Explorer) => void} [ready] takes the explorer, to tell it of other results
 * @property {(explorer: Explorer) => void} [shown] another result is drawn
 * @property {(explorer: Explorer, before: object) => void} [chosen] the choices are others; `before`: what they were
 * @property {() => void} [renew] a result that is gone is wanted again
 */

/**
 * Brings an explorer to life in two elements that hold its templates. Returns its clean-up, after which they are as before.
 * @param {{ picture: HTMLElement, panels: HTMLElement }} elements
 * @param {Host} host
 */
export function mount(elements, host) {
  const explorer = new Explorer(elements, host);
  host.ready?.(explorer);
  if (host.value) explorer.load(host.value);
  return () => explorer.destroy();
}
