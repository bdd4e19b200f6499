// The page's state: one object that its components change and follow, instead of each other.

/** The explorer of the first tab, and the two that the laboratory shows beside each other. */
export const MAIN = "main";
export const PAIR = ["baseline", "variant"];

/**
 * @typedef {object} Page
 * @property {string} tab the open tab's name in a link
 * @property {?string} model the name of the model that is shown on the first tab
 * @property {?object} picture what Python told of the result that is drawn there: { key, example, first, … }
 * @property {Object<string, {state: object, result: object}>} view what each explorer draws, and what is chosen in it
 * @property {?{state: object, about: object}} architecture what the laboratory is set to, and what the server says of its baseline
 * @property {?object} linked what the page's link says of an architecture, until the laboratory takes it up
 * @property {Object<string, object>} results what each explorer is to show, as `Explorer.load` takes it
 * @property {?object} asked what a person has chosen outside the chooser: { picture, model }, both optional
 * @property {number} answers how many choices Python has answered, with the one that the page opens with
 * @property {?{newer: boolean}} choosing the choice that Python works on; newer: it waits for an older one
 * @property {boolean} running whether the laboratory waits for a run
 * @property {?{explorer: string}} gone the explorer whose result the server dropped, when it is asked for again
 */

/**
 * A store: `state`, `update(changes)` and `subscribe(listener)`, which returns what ends the subscription. A listener is called
 * with the state after and before each update. An update that a listener makes holds at once and is told when all have heard
 * of the one before it, so that everybody hears of changes in one order.
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
          reportError(error); // one that fails keeps nothing from the others
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
  linked: null,
  results: {},
  asked: null,
  answers: 0,
  choosing: null,
  running: false,
  gone: null,
};

export const page = store(OPENING);

/** Changes the entries of some explorers in `view` or `results`. */
export const updateEach = (name, entries) => page.update({ [name]: { ...page.state[name], ...entries } });

/** Puts something into `window.cvt`, for the console and for tests; no script reads it. */
export function inspect(name, value) {
  (globalThis.cvt ??= { page })[name] = value;
}
