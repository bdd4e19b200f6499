// Who answers the components' requests here: files that were made with the site, what a browser can read or compute itself, and the model.

import { data, block, exampleOf, inside } from "./examples.js";
import { facts } from "./facts.js";
import { json } from "./files.js";
import { opening } from "./link/read.js";
import { answer, part } from "./running.js";
import { saved } from "./saved.js";
import { upload } from "./uploads.js";

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** The laboratory's answer for an architecture, of those that it starts from. */
async function describe({ stages, side }) {
  const { described } = await json("laboratory.json");
  return described.find((each) => same(each.stages, stages) && each.side === side)?.answer;
}

/** The bytes of a result: an example's are files, another's the model has. */
function sourceOf(key, signal) {
  const name = exampleOf(key);
  if (!name)
    return { data: () => part("data", key), block: (...at) => part("block", key, ...at), inside: (...at) => part("inside", key, ...at) };
  return {
    data: () => data(name, signal),
    block: (stage, number) => block(name, stage, number, signal),
    inside: (stage, number) => inside(name, stage, number, signal),
  };
}

// The first pattern that fits a path answers it.
const ROUTES = /** @type {[RegExp, (found: string[], body: any, onStep: any, signal: any) => any][]} */ ([
  [/^explorer\/data\/([^/]+)$/, ([key], _, __, signal) => sourceOf(key, signal).data()],
  [/^explorer\/data\/([^/]+)\/(\d+)\/(\d+)$/, ([key, ...at], _, __, signal) => sourceOf(key, signal).block(...at.map(Number))],
  [/^explorer\/inside\/([^/]+)\/(\d+)\/(\d+)$/, ([key, ...at], _, __, signal) => sourceOf(key, signal).inside(...at.map(Number))],
  [/^explorer\/page\/([^/]+)$/, ([key], body, __, signal) => saved(body, sourceOf(key, signal))],
  [/^laboratory\/open$/, (_, { query }) => opening(query, facts.link)],
  [/^laboratory\/about$/, async () => (await json("laboratory.json")).about],
  [/^laboratory\/describe$/, (_, body) => describe(body)],
  [/^(lessons|ablations)$/, ([name]) => json(`${name}.json`)],
  [/^break\/(\w+)$/, ([name], body, onStep, signal) => answer(name, body, onStep, signal)],
  [/\/upload$/, (_, form) => upload(form)],
]);

/** @type {import("../shared/http.js").Local} */
export function answers(path, body, onStep, signal) {
  for (const [pattern, found] of ROUTES) {
    const match = pattern.exec(path);
    if (match) return found(match.slice(1).map(decodeURIComponent), body, onStep, signal);
  }
  return undefined;
}
