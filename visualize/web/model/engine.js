// The model and its results, without a page: what it runs on and how it decodes pictures is given, so that it works in a worker and in
// tests.

import { phrase } from "../words/phrase.js";
import { ANSWERS } from "./answers.js";
import { best, classEvidence, softmax } from "./evidence.js";
import { firstDirectBlock, gatesOf, read } from "./gates.js";
import { insidePayload, namesFor } from "./inside.js";
import { blockPayload, payload } from "./payload.js";
import { cut, normalised } from "./pixels.js";
import { Store } from "./store.js";

const TOP = 5; // classes that the page shows
const [RESULTS, RESULT_BYTES] = [4, 64 << 20];
const [REQUESTS, REQUEST_BYTES] = [64, 6 << 20]; // by which a dropped result is computed again
const [LEAST_SEEN, MOST_STRETCHED] = [0.4, 1.5]; // of the picture's area, and of the ratio of the sides: beyond, it is mentioned

/**
 * @typedef {object} Opened a decoded picture
 * @property {number} width @property {number} height @property {boolean} transparent
 * @property {Uint8Array | Uint8ClampedArray} data its pixels, 4 bytes each
 * @property {(box: number[], aspect: number) => Promise<Uint8Array>} crop a part as JPEG, to be shown
 * @property {() => Promise<Uint8Array>} whole all of it, small
 * @property {() => void} close
 *
 * @typedef {object} Codec
 * @property {(picture: any) => Promise<Opened>} open
 * @property {(jpeg: Uint8Array, size: number[], shift: { down: number, right: number }) => Promise<Uint8Array>} rolled a JPEG of what an
 *   input of this size saw, moved around the edges
 *
 * @typedef {object} Request what a result is of
 * @property {string} id of the pixels @property {string} picture a name: a chosen token stays in place in another result of the same
 * @property {Uint8Array} pixels @property {number[]} box @property {number[]} original @property {Uint8Array} crop
 * @property {?Uint8Array} whole @property {import("./gates.js").Intervention[]} interventions @property {number[]} also
 * @property {boolean} moved whether the pixels are no longer the picture's @property {object} named of examples
 *
 * @typedef {{ key: string, request: Request, seen: import("./payload.js").Seen }} Result
 */

export class Engine {
  /**
   * @param {object} parts
   * @param {any} parts.facts model.json @param {Record<string, any>} parts.constants arrays by name
   * @param {(name: string) => Float32Array} parts.linear weights of projections
   * @param {(pixels: Float32Array[], gates: Float32Array, names: string[]) => Promise<Record<string, Float32Array>>} parts.run
   * @param {import("./attention.js").Attention} parts.attention @param {Codec} parts.codec
   */
  constructor({ facts, constants, linear, run, attention, codec }) {
    this.facts = facts;
    this.stages = facts.stages;
    this.constants = constants;
    this.linear = linear;
    this.attention = attention;
    this.codec = codec;
    this.pass = run;
    this.norm = { weight: constants["norm/weight"], bias: constants["norm/bias"], eps: facts.eps };
    this.classifier = { weight: constants["classifier/weight"], bias: constants["classifier/bias"] };
    this.results = new Store(RESULTS, RESULT_BYTES, ({ seen }) => bytesOf(seen));
    this.requests = new Store(REQUESTS, REQUEST_BYTES, ({ crop, whole, pixels }) => crop.length + (whole?.length ?? 0) + pixels.length);
    this.count = 0;
  }

  /** Runs the model on RGB pixels with each sample's interventions; outputs by name. Throws AbortError where `signal` says so. */
  async run(pixels, samples, names, signal) {
    await new Promise((resolve) => setTimeout(resolve)); // so that a message that ends this is heard
    signal?.throwIfAborted();
    const values = normalised(pixels, this.facts.processor);
    return this.pass(
      samples.map(() => values),
      gatesOf(samples, this.facts.gates),
      names,
    );
  }

  /**
   * Runs the model on a picture.
   * @param {any} picture what the codec opens
   * @param {{ interventions?: any[], also?: number[], example?: string }} options
   * @returns {Promise<{ key: string, value: any }>}
   */
  async explore(
    picture,
    { interventions = [], also = [], example = "" } = {},
    onStep = (/** @type {any} */ _step) => {},
    signal = undefined,
  ) {
    onStep({ step: "running", share: 0 });
    const opened = await this.codec.open(picture);
    try {
      const { width, height, transparent } = opened;
      const { pixels, box } = cut(opened, this.facts.processor);
      const all = box.every((each, at) => each === [0, 0, width, height][at]);
      const [high, wide] = this.facts.input;
      const [crop, whole] = await Promise.all([opened.crop(box, wide / high), all ? null : opened.whole()]);
      const id = String(++this.count);
      const named = example ? { example, file: `examples/${example}.jpg` } : {};
      const request = {
        id,
        picture: example ? `example ${example}` : `own ${id}`,
        pixels: pixels.data,
        box,
        original: [width, height],
        crop,
        whole,
      };
      const notes = [...(transparent ? [phrase("over_white")] : []), ...this.framed(box, width, height)];
      const made = await this.result({ ...request, also, moved: false, named, interventions: read(interventions, this.stages) }, signal);
      return { key: made.key, value: this.value(made, { ...this.facts.common, notes }) };
    } finally {
      opened.close();
    }
  }

  framed(box, width, height) {
    const [left, top, right, bottom] = box;
    const [rows, columns] = this.facts.input;
    if ((right - left) * (bottom - top) < LEAST_SEEN * width * height) return [phrase("seen_in_part", { width, height })];
    const stretched = ((right - left) * rows) / ((bottom - top) * columns);
    return Math.max(stretched, 1 / stretched) > MOST_STRETCHED ? [phrase("seen_squeezed", { width, height })] : [];
  }

  /** An explorer's value for a result, with the names of its model and picture. @param {Result} result */
  value({ key, request }, more = {}) {
    const { model, source } = this.facts.common;
    return { key, picture: request.picture, model, source, ...request.named, ...more };
  }

  /**
   * The result of a request: the stored one, or computed.
   * @param {Request} request @param {AbortSignal} [signal] @returns {Promise<Result>}
   */
  async result(request, signal) {
    const key = this.requests.find((each) => same(each, request)) ?? `own-${++this.count}-${Math.random().toString(36).slice(2)}`;
    const held = this.results.get(key);
    if (held) return held;
    const found = { key, request, seen: await this.compute(request, signal) };
    this.results.set(key, found);
    this.requests.set(key, request);
    return found;
  }

  /**
   * The result with this key, computed again if it was dropped; undefined if there is none.
   * @param {string} key @param {AbortSignal} [signal] @returns {Promise<Result | undefined>}
   */
  async stored(key, signal) {
    const request = this.requests.get(key);
    return request && this.result(request, signal);
  }

  /** @param {Request} request @returns {Promise<import("./payload.js").Seen>} */
  async compute({ pixels, box, original, crop, whole, interventions, also }, signal) {
    const last = this.stages.length - 1;
    const { cls, depth, width } = this.stages[last];
    const places = this.stages.map((stage, index) => Array.from({ length: stage.depth }, (_, block) => `stages.${index}.layers.${block}`));
    const direct = firstDirectBlock(interventions, this.stages);
    const adding = cls ? places[last].slice(direct).map((place) => `${place}.added`) : [];
    const names = ["logits", ...this.stages.map((_, index) => `stages.${index}.features`), ...adding];
    if (cls) names.push(`stages.${last}.layers.${depth - 1}.output`);
    names.push(...places.flat().flatMap((place) => [`${place}.query`, `${place}.key`]));
    const found = await this.run(pixels, [interventions], names, signal);
    const { logits } = found;
    if (!logits.every(Number.isFinite)) throw new Error(phrase("not_finite"));
    const probabilities = softmax(logits);
    const shown = [...new Set([...best(probabilities, TOP), ...also])];
    const features = this.stages.map((_, index) => found[`stages.${index}.features`]);
    const token = cls ? found[`stages.${last}.layers.${depth - 1}.output`].slice(0, width) : null;
    const said = { logits, shown, cls: token, added: adding.map((name) => found[name]), features: features[last] };
    const blocks = places.map((own, index) => {
      const { heads, scale } = this.stages[index];
      const dim = this.stages[index].width / heads;
      return own.map((place) => {
        const [query, key] = [found[`${place}.query`], found[`${place}.key`]];
        return { query, key, heads, dim, scale, queries: query.length / heads / dim, keys: key.length / heads / dim };
      });
    });
    const evidence = classEvidence(said, { classifier: this.classifier, norm: this.norm });
    return { pixels, box, original, crop, whole, logits, probabilities, shown, features, blocks, evidence };
  }

  /** A result's payload; null if it is not known. */
  async data(key) {
    const found = await this.stored(key);
    return found ? payload(found.seen, this.facts, this.attention) : null;
  }

  /** One block's attention; null if the result is not known. */
  async block(key, stage, block) {
    const found = await this.stored(key);
    return found ? blockPayload(found.seen, stage, block, this.attention) : null;
  }

  /** One block's inside, for the microscope; null if the result is not known. */
  async inside(key, stage, block) {
    const request = this.requests.get(key);
    if (!request) return null;
    const found = await this.run(request.pixels, [request.interventions], namesFor(this.stages, stage, block), undefined);
    return insidePayload(found, this.facts, this.constants, this.linear, stage, block);
  }

  /** The answer to an experiment's question; undefined for what the browser cannot do. Throws an Error with a sentence, or AbortError. */
  async answer(name, asked, onStep = (/** @type {any} */ _step) => {}, signal = undefined) {
    if (!Object.hasOwn(ANSWERS, name)) return undefined;
    const before = await this.stored(asked.key, signal);
    if (!before) throw Object.assign(new Error(phrase("not_stored")), { gone: "key" });
    return ANSWERS[name](this, before, asked, onStep, signal);
  }
}

const same = (one, other) => one.id === other.id && setting(one) === setting(other);
const setting = ({ interventions, also }) => JSON.stringify([interventions, also]);

function bytesOf({ features, blocks, crop }) {
  const arrays = [...features, ...blocks.flat().flatMap(({ query, key }) => [query, key]), crop];
  return arrays.reduce((sum, { byteLength }) => sum + byteLength, 0);
}
