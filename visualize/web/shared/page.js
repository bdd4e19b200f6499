// The page's state: one object that the components update and subscribe to, instead of calling each other.

/** The explorer of the first tab, the laboratory's two, and those of "Break it"; the two of a pair are linked. */
export const MAIN = "main";
export const PAIR = ["baseline", "variant"];
export const CHANGED = ["before", "after"];
export const PAIRS = [PAIR, CHANGED];

/**
 * @typedef {object} Page
 * @property {string} tab the open tab's name in a link
 * @property {?string} model the model's name on the first tab
 * @property {?object} picture Python's value for the result drawn there: { key, example, first, … }
 * @property {Object<string, {state: object, result: object}>} view each explorer's result and choices
 * @property {?{state: object, about: object}} architecture the laboratory's settings, and the server's description of its baseline
 * @property {string} experiment the chosen experiment's name in a link
 * @property {?{lesson: object, link: ?string, step: number, phase: "ask"|"shown"|"seen", answers: object, problem: string}} lesson the
 *   running one; `link`: its name in a link; steps count from 1
 * @property {?{link?: string, step?: number, file?: File}} begins a lesson that is asked for, until it runs
 * @property {string} refused why the lesson that was asked for last did not begin
 * @property {string} off the parts that are switched off in the first experiment, as in a link
 * @property {string} how what replaces them, as in a link
 * @property {Object<string, import("../breaking/knock/made.js").Made>} made what was measured in the first experiment, by the result's key
 * @property {boolean} making whether a lesson is being made, in a panel that stays while the tabs change
 * @property {?object} linked the link's architecture and the stage to open, until the laboratory applies it
 * @property {Object<string, object>} results the result for each explorer, as `Explorer.load` takes it
 * @property {?object} asked a choice made outside the chooser: { picture, model, loaded }, all optional; `loaded`: its model is in memory
 * @property {?string[]} ready the models in the server's memory, as far as is known; null on a page without a menu of models
 * @property {?{model: string, picture?: object, done?: (loaded: boolean) => void}} needed a choice that waits for its model to be loaded;
 *   `done` is told whether it was, instead of the choice being made
 * @property {?string} own the picture of one's own that is drawn there, as the server named its file; null for an example
 * @property {boolean} away whether the server does not answer now: what would go through Gradio waits, or it would load the page anew
 * @property {number} doubts number of times that a part of the page failed to reach what it needs, perhaps since the server is away
 * @property {number} answers number of choices that Python has answered, including the initial one
 * @property {number} unheard number of those that did not reach it
 * @property {number} line number of events that wait for the model on the server, as it said last
 * @property {?{newer: boolean, quiet?: boolean}} choosing the pending choice; newer: it waits for an older one; quiet: one of many, such
 *   as a camera's, which nobody waits for
 * @property {?{preset?: string, ablation?: string}} wanted what the laboratory starts from, until it has
 * @property {?string} ablation the trained ablation that the laboratory shows instead of an architecture
 * @property {?object} ran the laboratory's settings whose result the variant is
 * @property {boolean} running whether the laboratory waits for a run
 * @property {?{explorer: string}} gone the explorer whose dropped result is requested again
 */

/**
 * A store: `state`, `update(changes)` and `subscribe(listener)`, which returns a function that unsubscribes. A listener is
 * called with the state after and before each update. An update by a listener applies at once; listeners are notified once
 * all have had the one before it, so that all see updates in the same order.
 */
export function store(initial) {
  const listeners = new Set();
  const untold = [];
  let state = initial;
  let telling = false;

  function tell() {
    if (telling) return;
    telling = true;
    while (untold.length) {
      const [now, before] = untold.shift();
      for (const listener of [...listeners]) {
        if (!listeners.has(listener)) continue;
        try {
          listener(now, before);
        } catch (error) {
          reportError(error); // an error in one listener does not affect the others
        }
      }
    }
    telling = false;
  }

  return {
    get state() {
      return state;
    },

    update(changes) {
      if (Object.keys(changes).every((name) => Object.is(changes[name], state[name]))) return;
      const before = state;
      state = { ...state, ...changes };
      untold.push([state, before]);
      tell();
    },

    subscribe(listener) {
      const own = (now, before) => listener(now, before); // the same function may be subscribed twice
      listeners.add(own);
      return () => listeners.delete(own);
    },
  };
}

/** @type {Page} */
const OPENING = {
  tab: "explore",
  model: null,
  picture: null,
  view: {},
  architecture: null,
  experiment: "knock",
  lesson: null,
  begins: null,
  making: false,
  refused: "",
  off: "",
  how: "zero",
  made: {},
  linked: null,
  results: {},
  asked: null,
  own: null,
  away: false,
  doubts: 0,
  ready: null,
  needed: null,
  answers: 0,
  unheard: 0,
  line: 0,
  choosing: null,
  wanted: null,
  ablation: null,
  ran: null,
  running: false,
  gone: null,
};

export const page = store(OPENING);

/**
 * The server's last answer for the first tab, drawn or not, as a choice that would give the same: { example } or { own }, and the model.
 * A server may have forgotten it, or never have known.
 */
export function shownNow() {
  const { own, results } = page.state;
  const { example, model } = results[MAIN] ?? {};
  return { ...(own ? { own } : example ? { example } : {}), ...(model && { model }) };
}

/** Changes the entries of some explorers in `view` or `results`. */
export const updateEach = (name, entries) => page.update({ [name]: { ...page.state[name], ...entries } });

/** Adds something to `window.cvt`, for the console and tests; no script reads it. */
export function inspect(name, value) {
  (globalThis.cvt ??= { page })[name] = value;
}
