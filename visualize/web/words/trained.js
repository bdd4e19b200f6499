// What the table of trained ablations says in words. A member is a row of cvt/ablations/table.json, with shares of pictures.

import { NARROW } from "./format.js";
import { phrase } from "./phrase.js";

const UNIT = `${NARROW}%`;
const KINDS = /** @type {const} */ ({ better: "trained_better", worse: "trained_worse", none: "trained_none" });

/** What was measured of a member at an input side, or on "shifted" pictures; undefined if nothing was. */
export const measured = (member, side) => member.measures[side === "shifted" ? side : `top1_${side}`];

/** Whether a measure is "better" or "worse" than the baseline's, or "none" of both: its interval includes 0. */
export const compare = ({ difference, significant }) => (!significant ? "none" : difference > 0 ? "better" : "worse");

/** "51.4 ± 0.7 %": mean and standard deviation over the seeds. */
export const accuracy = ({ mean, sd }) =>
  phrase("trained_accuracy", { mean: (100 * mean).toFixed(1), sd: (100 * sd).toFixed(1), unit: UNIT });

/** A difference of shares in points, with its sign. */
const points = (share) => `${share > 0 ? "+" : ""}${(100 * share).toFixed(1)}`.replace("-", "−");

const apart = ({ difference, interval: [low, high] }) => ({ difference: points(difference), low: points(low), high: points(high) });

/** What a member's side of the laboratory is. */
export const trainedName = (member) => phrase("trained_name", { title: member.title, accuracy: accuracy(measured(member, 64)) });

/** What training without a part has done, at the side that they were trained with. */
export function trainedFinding(member) {
  const measure = measured(member, 64);
  return phrase(KINDS[compare(measure)], apart(measure));
}

/** How the numbers came about. */
export const trainedAbout = ({ epochs, interval }, { seeds }) =>
  `${phrase("trained_about", { seeds: seeds.length, epochs })} ${phrase("trained_how", { level: 100 * interval.level, unit: UNIT })}`;

/** The rows of a member's numbers beside the baseline's: [{ name, baseline, own, difference, clear }]. */
export const trainedRows = (baseline, member) =>
  [64, 96, 128, "shifted"].map((side) => {
    const [before, own] = [baseline, member].map((each) => measured(each, side));
    return {
      name: side === "shifted" ? phrase("trained_shifted") : phrase("trained_side", { side }),
      baseline: accuracy(before),
      own: accuracy(own),
      difference: phrase("trained_row", apart(own)),
      clear: own.significant,
    };
  });
