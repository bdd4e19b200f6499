// The choices that the chooser sends: an example, whose result is there, or a picture of one's own, which the model runs on here.

import { page } from "../shared/page.js";
import { phrase } from "../words/phrase.js";
import { facts } from "./facts.js";
import { read } from "./link/read.js";
import { explored } from "./running.js";
import { taken } from "./uploads.js";

const valueOf = (name) => ({ ...facts.examples[name] }); // a new one, so that it is shown again where it was dropped

let example = Object.keys(facts.examples)[0];
let own = /** @type {?{ picture: Blob | ImageBitmap, live: boolean }} */ (null); // the picture of one's own that is shown

/** The value with which the page opens. */
export function opened(query) {
  example = read(query, facts.link).view.picture ?? example;
  return valueOf(example);
}

/**
 * The value for a choice of the chooser; one that is refused is answered by `problem`, and changes nothing. Null where a newer choice was
 * made meanwhile, which nobody should wait for.
 */
export async function chosen(asked) {
  try {
    if (asked.example) return opening(asked.example);
    const picture = asked.own === undefined ? own : { picture: taken(asked.own), live: asked.live === true };
    if (!picture) return valueOf(example);
    const value = await Promise.race([explored(picture), newer()]);
    if (value) keep(picture);
    return value;
  } catch (error) {
    return { problem: error.message || phrase("site_failed"), nth: asked.nth };
  }
}

/** Null, once a newer choice waits; while none is made, nothing. */
function newer() {
  return new Promise((resolve) => {
    const leave = page.subscribe(({ choosing }, before) => {
      if (choosing === before.choosing) return;
      leave();
      if (choosing?.newer) resolve(null);
    });
  });
}

function opening(name) {
  example = name;
  keep(null);
  return valueOf(name);
}

/** The camera's pictures take much memory, which is given back at once. */
function keep(picture) {
  if (own && own.picture !== picture?.picture && "close" in own.picture) own.picture.close();
  own = picture;
}
