// "Make a lesson", loaded when somebody begins: page.state.making says whether.

import { refs } from "../../shared/dom.js";
import { page } from "../../shared/page.js";

/**
 * @param {HTMLElement} root the panel's template
 * @param {string} base the address below which lessons are read
 * @param {AbortSignal} signal
 */
export function making(root, base, signal) {
  let recorder = null;

  async function begin() {
    if (recorder || !page.state.making) return;
    recorder = import("./recorder.js");
    const { Recorder } = await recorder;
    if (!signal.aborted) new Recorder(root, refs(root), base, signal).show();
  }

  const leave = page.subscribe(begin);
  signal.addEventListener("abort", leave);
  begin();
}
