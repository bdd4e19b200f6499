// The class probabilities after every block, as visualize/maps/lens.py reads them: by the model's own classifier in the last stage, by
// probes in the others.

import { best, classified, normed, softmax } from "./evidence.js";
import { rounded } from "./rounded.js";

const MOST = 5; // classes

/** @type {import("./answers.js").Answer} */
export async function lens(engine, { request }, asked, onStep, signal) {
  onStep({ step: "running", share: 0 });
  const { facts, stages } = engine;
  const last = stages.length - 1;
  const own = Array.from({ length: stages[last].depth }, (_, block) => ({ stage: last, block, accuracy: null }));
  const places = [...(facts.probes?.places ?? []), ...own];
  const nameOf = ({ stage, block }) => `stages.${stage}.layers.${block}.output`;
  const found = await engine.run(request.pixels, [request.interventions], places.map(nameOf), signal);
  const probabilities = places.map((place) => softmax(logitsOf(engine, place, found[nameOf(place)])));
  const { known = null, reason = null } = facts.probes ?? {};
  return { ...written(places, probabilities, facts.labels), probes: known, reason };
}

function logitsOf({ stages, constants, norm, classifier }, { stage, block, accuracy }, tokens) {
  const { width, cls } = stages[stage];
  const first = Number(cls);
  if (accuracy === null) {
    if (cls) return classified(normed(tokens.subarray(0, width), norm), classifier);
    const all = Array.from({ length: tokens.length / width }, (_, at) => normed(tokens.subarray(at * width, (at + 1) * width), norm));
    return classified(meanOf(all, width), classifier);
  }
  const all = Array.from({ length: tokens.length / width - first }, (_, at) =>
    tokens.subarray((at + first) * width, (at + first + 1) * width),
  );
  const of = (name) => constants[`probe/${stage}.${block}/${name}`];
  const read = meanOf(all, width).map((value, at) => (value - of("mean")[at]) / of("deviation")[at]);
  return classified(read, { weight: of("weight"), bias: of("bias") });
}

function meanOf(tokens, width) {
  const sum = new Float64Array(width);
  for (const token of tokens) for (let at = 0; at < width; at++) sum[at] += token[at];
  return Float32Array.from(sum, (each) => each / tokens.length);
}

function written(places, probabilities, labels) {
  const leading = probabilities.map((each) => best(each, 1)[0]);
  const end = probabilities[probabilities.length - 1];
  const own = places.flatMap(({ accuracy }, index) => (accuracy === null ? [index] : []));
  const ours = own.map((index) => leading[index]);
  // what leads by the model's own classifier is a part of the answer; what leads by a probe, and what is second, as far as there is room
  const order = [...new Set([...best(end, 1), ...ours, ...leading, ...best(end, MOST)])];
  const shown = order.slice(0, Math.max(MOST, new Set(ours).size)).sort((a, b) => end[b] - end[a]);
  const others = own.filter((index) => leading[index] !== leading[leading.length - 1]);
  const turned = others.length ? others[others.length - 1] : null;
  const decided = places[turned === null ? own[0] : turned + 1];
  return {
    points: places.map(({ stage, block, accuracy }, index) => ({
      stage: stage + 1,
      block: block + 1,
      label: labels[leading[index]],
      accuracy,
    })),
    classes: shown.map((each) => ({ label: labels[each], probabilities: probabilities.map((of) => rounded(of[each])) })),
    decided: { stage: decided.stage + 1, block: decided.block + 1, before: turned === null ? null : labels[leading[turned]] },
  };
}
