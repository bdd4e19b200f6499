// "How far does it look?" in words. Stages, blocks and heads count from 1, as in the server's answers.

import { grouped, percent, sentences, sides } from "./format.js";
import { phrase } from "./phrase.js";

const LEAST = 0.02; // of uniform: a stage that lies less than this under it looks everywhere alike

/** A length in words, in whole pixels. */
export const pixelWords = (value) => phrase("reach_pixels", { pixels: Math.round(value) });

/** Two lengths in pixels, as precisely as they differ. */
function apart(one, two) {
  const digits = Math.round(one) === Math.round(two) ? 1 : 0;
  return [one, two].map((each) => each.toFixed(digits));
}

/** The finding: which head looks nearest, and which stage lies farthest under uniform. `answer`: the server's to "distance". */
export function distanceWords({ stages, nearest, narrowest }) {
  const alone = stages[nearest.stage - 1].heads[0].length === 1;
  const near = phrase(alone ? "reach_nearest_alone" : "reach_nearest", { ...nearest, length: pixelWords(nearest.distance) });
  if (!narrowest || narrowest.distance > (1 - LEAST) * narrowest.uniform) return sentences(near, phrase("reach_alike"));
  const [pixels, uniform] = apart(narrowest.distance, narrowest.uniform);
  return sentences(near, phrase("reach_narrowest", { stage: narrowest.stage, pixels, uniform }));
}

/** A head and its distance, for its button. */
export const headWords = (place, distance) => phrase("reach_head", { ...place, length: pixelWords(distance) });

/** The plot for those who do not see it. */
export function plotWords(answer) {
  const blocks = answer.stages.flatMap((stage) => stage.heads);
  return phrase("reach_chart", { heads: blocks.flat().length, blocks: blocks.length, finding: distanceWords(answer) });
}

/** What moves a token. `field`: the server's answer to "receptive_field"; `stage` from 1. */
export function fieldWords({ side, theoretical, within, pixels, of }, stage) {
  if (!theoretical) return phrase("reach_field_cls", { pixels: grouped(pixels), of: grouped(of) });
  return phrase("reach_field", { stage, side: sides([side, side]), theoretical: sides(theoretical), within: percent(within) });
}
