// Parts of the model switched off: the classes before and after, and what each part is worth to a class.

import { classOf, oneOf } from "./asked.js";
import { changedLines } from "./lines.js";
import { softmax } from "./evidence.js";
import { partsToTry, read, WAYS } from "./gates.js";
import { classes, rounded } from "./rounded.js";

const BATCH = 4; // samples in a pass: more take memory, and no less time each

/** @type {import("./answers.js").Answer} */
export async function knockOut(engine, before, asked, onStep, signal) {
  const interventions = read(asked.interventions ?? [], engine.stages);
  onStep({ step: "running", share: 0 });
  const after = await engine.result({ ...before.request, interventions, also: before.seen.shown }, signal);
  const { labels, averaged } = engine.facts;
  return {
    label: labels[before.seen.shown[0]],
    before: classes(before.seen, labels),
    after: classes(after.seen, labels),
    value: engine.value(after, interventions.length ? { changed: changedLines(interventions, averaged) } : {}),
  };
}

/** @type {import("./answers.js").Answer} */
export async function importance(engine, { request, seen }, asked, onStep, signal) {
  const { labels } = engine.facts;
  const how = oneOf(asked, "how", WAYS, "zero");
  const label = classOf(asked, labels, seen.shown);
  const tried = partsToTry(engine.stages, how);
  const after = /** @type {{ logit: number, probability: number }[]} */ ([]);
  for (let first = 0; first < tried.length; first += BATCH) {
    onStep({ step: "computing", share: first / tried.length });
    const batch = tried.slice(first, first + BATCH);
    const samples = batch.map((each) => [...request.interventions, each]);
    const { logits } = await engine.run(request.pixels, samples, ["logits"], signal);
    for (let sample = 0; sample < batch.length; sample++) {
      const own = logits.subarray(sample * labels.length, (sample + 1) * labels.length);
      after.push({ logit: own[label], probability: softmax(own)[label] });
    }
  }
  const [logit, probability] = [seen.logits[label], seen.probabilities[label]];
  return {
    label: labels[label],
    logit: rounded(logit),
    probability: rounded(probability),
    losses: tried.map(({ stage, block, part, head }, index) => ({
      ...{ stage: stage + 1, block: block + 1, part, head: head === null ? null : head + 1 },
      logit: rounded(logit - after[index].logit),
      probability: rounded(probability - after[index].probability),
    })),
  };
}
