// The experiment on position in words, from its settings and the server's answer.

import { firstName } from "./explorer.js";
import { capital, percent, sentences, sides } from "./format.js";
import { phrase } from "./phrase.js";

const SAME = 0.99999; // a cosine from which features differ by rounding only
const NEAR = 0.01; // a difference of cosines that is not worth a sentence

/** A cosine with two digits, which is 1.00 only where nothing but rounding differs. */
export function cosineWords(cosine) {
  const shown = cosine >= SAME ? 1 : Math.min(0.99, Math.round(cosine * 100) / 100);
  return shown.toFixed(2).replace("-", "−");
}

const pixels = (count, forth, back) => phrase(count > 0 ? forth : back, { pixels: Math.abs(count) });
const and = (parts) => parts.reduce((one, other) => phrase("did_and", { one, other }));

/**
 * What was done, in the order in which it was: "moved 16 pixels right, with circular padding"; empty for nothing.
 * @param {import("../breaking/position/settings.js").Settings} settings
 * @param {[number, number]} input its own height and width
 */
export function didWords({ right, down, turn, flip, patch, height, width, padding }, input) {
  const moves = [right && pixels(right, "did_right", "did_left"), down && pixels(down, "did_down", "did_up")].filter(Boolean);
  const turned = turn > 0 ? "did_turn_left" : "did_turn_right";
  return [
    (height !== input[0] || width !== input[1]) && phrase("did_size", { size: sides([height, width]) }),
    turn !== 0 && phrase(turned, { degrees: Math.abs(turn) }),
    flip !== "none" && phrase(flip === "horizontal" ? "did_flip_horizontal" : "did_flip_vertical"),
    moves.length > 0 && phrase("did_shift", { way: and(moves) }),
    patch > 0 && phrase("did_shuffle", { patches: (height / patch) * (width / patch) }),
    padding !== "zeros" && phrase(padding === "circular" ? "did_circular" : "did_reflect"),
  ]
    .filter(Boolean)
    .join(", ");
}

/** The finding in one line: what was done, the class, and the last stage's agreement. `answer`: the server's. */
export function positionFinding(did, answer) {
  const { label, stays, after, agreement } = answer;
  const values = { did: capital(did), label: firstName(after[0].label), share: percent(after[0].probability) };
  const result = stays ? phrase("position_still", values) : phrase("position_other", { ...values, before: firstName(label) });
  if (isSame(agreement)) return phrase("position_same", { result });
  const { cosine } = agreement.at(-1);
  if (cosine === null) return phrase("position_incomparable", { result });
  return phrase("position_agrees", { result, stage: agreement.length, cosine: cosineWords(cosine) });
}

/** Whether every stage's features are the same once a change is undone. `agreement`: the server's. */
export const isSame = (agreement) => agreement.every(({ cosine, exact }) => exact && cosine !== null && cosine >= SAME);

/**
 * What lies behind it, in sentences.
 * @param {import("../breaking/position/settings.js").Settings} settings
 * @param {any} answer the server's
 * @param {number | null} step the smallest aligned shift, in pixels
 * @param {boolean} moves whether the picture changes, rather than only the padding
 */
export function positionDetail(settings, answer, step, moves) {
  const { agreement, padding_before: before, is_aligned: aligned } = answer;
  const [{ border, inside, exact }] = agreement;
  const values = { border: border === null ? "" : cosineWords(border), inside: inside === null ? "" : cosineWords(inside) };
  const apart = exact && border !== null && inside !== null && inside - border > NEAR;
  const shifted = settings.right !== 0 || settings.down !== 0;
  const found = [];
  if (!moves) found.push(apart ? phrase("position_only_padding", values) : "");
  else if (isSame(agreement) && settings.padding === "circular" && shifted) found.push(phrase("position_nothing"));
  else if (apart && settings.padding === "zeros") found.push(phrase("position_border", values));
  else if (apart && settings.padding === "reflect") found.push(phrase("position_reflected", values));
  if (shifted && !aligned && step !== null) found.push(phrase("position_unaligned", { step }));
  if (moves && before !== "zeros") found.push(phrase("position_both", { padding: before }));
  if (moves && agreement.some((each) => !each.exact)) found.push(phrase("position_between"));
  return sentences(...found, phrase("position_means"));
}

/** A stage's agreement at the border and inside; empty where one of them has no tokens. */
export const borderWords = ({ border, inside }) =>
  border === null || inside === null ? "" : phrase("position_stage_detail", { border: cosineWords(border), inside: cosineWords(inside) });

/** How far a slider moves: "16 px, aligned". */
export function shiftWords(value, step) {
  const key = value !== 0 && step !== null && value % step === 0 ? "position_on_grid" : "position_pixels";
  return phrase(key, { pixels: String(value).replace("-", "−") });
}
