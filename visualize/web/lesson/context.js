// What a measure may use of the page and its server.

import { stream } from "../shared/stream.js";
import { alike } from "../laboratory/architecture.js";
import { ask, get } from "../shared/http.js";
import { MAIN, page } from "../shared/page.js";
import { phrase } from "../words/phrase.js";

const PATIENCE = 120_000; // ms for a variant to run

/** Resolves once the page's state is so; rejects with an AbortError at the end, or with a sentence after some ms. */
export function until(holds, signal, wait = Infinity, sentence = "") {
  return new Promise((resolve, reject) => {
    let timer = 0;
    const end = (settle) => {
      leave();
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      settle();
    };
    const look = () => holds(page.state) && end(() => resolve(null));
    const stop = () => end(() => reject(new DOMException("", "AbortError")));
    const leave = page.subscribe(look);
    signal.addEventListener("abort", stop);
    if (wait < Infinity) timer = window.setTimeout(() => end(() => reject(new Error(sentence))), wait);
    if (signal.aborted) stop();
    else look();
  });
}

/** Whether the picture on the first tab is drawn, and no other is on its way. */
export const drawn = ({ picture, results, view, choosing }) =>
  Boolean(picture && !choosing && view[MAIN] && results[MAIN]?.key === picture.key && view[MAIN].result.key === picture.key);

/** Whether the laboratory shows what it is set to. */
const ran = ({ wanted, running, architecture, ran: state, results, view }) =>
  !wanted && !running && architecture && state === architecture.state && view.variant?.result.key === results.variant?.key;

/**
 * @param {string} server the address below which the page's server answers
 * @param {AbortSignal} signal
 */
export function contextOf(server, signal) {
  const model = () => page.state.model;
  // fetched once for a question, which asks for them more than once
  let about = /** @type {?Promise<any>} */ (null);
  let ablations = /** @type {?Promise<any>} */ (null);
  return {
    signal,
    page,
    get result() {
      return page.state.view[MAIN].result;
    },
    get state() {
      return page.state.view[MAIN].state;
    },

    /** The server's answer to an experiment's question about the shown result. */
    async run(name, body = {}, onStep = () => {}) {
      try {
        return await stream(`${server}break/${name}`, { key: page.state.picture?.key, ...body }, onStep, signal);
      } catch (error) {
        if (error.gone === "key") page.update({ gone: { explorer: MAIN } }); // a server that was started anew computes it again
        throw error;
      }
    },

    /** The laboratory's answer for an architecture. */
    describe: (stages, side) => ask(`${server}laboratory/describe`, { stages, side, model: model() }, signal),

    /** One of the laboratory's presets; null if this model has none of that name. */
    async preset(name) {
      about ??= ask(`${server}laboratory/about`, { model: model() }, signal);
      return (await about).presets.find((each) => each.name === name) ?? null;
    },

    /** The variant's result, once the laboratory has run a preset; without one, what it is set to. */
    async variant(name = "") {
      const preset = name && (await this.preset(name));
      const { architecture, ablation } = page.state;
      if (preset && (ablation || !architecture || !alike(architecture.state, preset))) page.update({ wanted: { preset: name } });
      if (page.state.tab !== "architecture") document.getElementById("tab-architecture-button")?.click(); // it runs while it is seen
      await until(ran, signal, PATIENCE, phrase("lesson_no_variant"));
      return page.state.view.variant.result;
    },

    /** The table of trained ablations. */
    ablations: () => (ablations ??= get(`${server}ablations`, signal)),
  };
}
