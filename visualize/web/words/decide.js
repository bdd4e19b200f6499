// "When does it decide?" in words. Stages and blocks count from 1, as in the server's answer.

import { placeWords } from "./breaking.js";
import { firstName } from "./explorer.js";
import { brief, grouped } from "./format.js";
import { phrase } from "./phrase.js";

/** @typedef {{ stage: number, block: number }} Place */

/** The block from which on the final class has more than half of the probability by the model's own classifier; none if it never has. */
function sureFrom({ points, classes }) {
  const { label } = points[points.length - 1];
  const { probabilities } = classes.find((each) => each.label === label);
  let from = points.length;
  while (from > 0 && points[from - 1].accuracy === null && probabilities[from - 1] > 0.5) from -= 1;
  return points[from];
}

/** The finding. `answer`: the server's to "lens", with the last of its points the prediction. */
export function decidedWords(answer) {
  const { decided, points } = answer;
  const values = { ...decided, label: firstName(points[points.length - 1].label) };
  const turned = decided.before !== null;
  const first = turned ? phrase("decide_turned", { ...values, before: firstName(decided.before) }) : phrase("decide_always", values);
  const sure = sureFrom(answer);
  return sure && sure.block !== decided.block ? `${first} ${phrase("decide_half", { block: sure.block })}` : first;
}

/**
 * The guess beside the answer.
 * @param {Place[]} places all blocks of the model, in order of depth
 * @param {number} guess an index of them
 * @param {Place} decided
 */
export function guessWords(places, guess, decided) {
  const right = places.findIndex(({ stage, block }) => stage === decided.stage && block === decided.block);
  if (guess === right) return phrase("decide_right");
  return phrase(guess < right ? "decide_early" : "decide_late", { place: placeWords(places[guess]), count: Math.abs(guess - right) });
}

/** What reads the earlier stages: the probes and how often they are right; else why there are none. Empty for a single stage. */
export function probeWords({ probes, points, reason }) {
  if (reason) return phrase(reason === "side" ? "decide_no_probes_side" : "decide_no_probes_model");
  if (!probes) return "";
  const own = points.filter(({ accuracy }) => accuracy !== null);
  const accuracies = own.map((each) => phrase("decide_accuracy", { share: brief(each.accuracy), place: placeWords(each) }));
  return phrase("decide_probes", { pictures: grouped(probes.pictures), unseen: grouped(probes.unseen), accuracies: accuracies.join(", ") });
}

/** That the spaces do not align. */
export const alignWords = ({ points }) => phrase("decide_align", { stage: points[points.length - 1].stage });

/** What reads a point, for the table. */
export const readerWords = ({ accuracy }) =>
  accuracy === null ? phrase("decide_reader_own") : phrase("decide_reader_probe", { share: brief(accuracy) });

/** The chart for those who do not see it. */
export const chartWords = (answer) => phrase("decide_chart", { count: answer.classes.length, finding: decidedWords(answer) });
