// Findings in words, from the numbers of explorer/findings.js.

import { firstName } from "./explorer.js";
import { percent, sentences, sides, signed } from "./format.js";
import { phrase } from "./phrase.js";

/** @typedef {{ headline: string, detail: string }} Finding both with terms, as shared/terms.js shows them */

const WAYS = /** @type {const} */ ({
  here: "way_here",
  up: "way_up",
  up_left: "way_up_left",
  up_right: "way_up_right",
  down: "way_down",
  down_left: "way_down_left",
  down_right: "way_down_right",
  left: "way_left",
  right: "way_right",
});
export const PARTS_OF_PICTURE = /** @type {const} */ ({
  centre: "part_centre",
  top: "part_top",
  top_left: "part_top_left",
  top_right: "part_top_right",
  bottom: "part_bottom",
  bottom_left: "part_bottom_left",
  bottom_right: "part_bottom_right",
  left: "part_left",
  right: "part_right",
});
const way = (direction) => phrase(WAYS[direction]);
const part = (name) => phrase(PARTS_OF_PICTURE[name]);

/** A length in words: "33 pixels", "under 1 pixel". */
const length = (value) => (value < 0.5 ? phrase("length_below") : phrase("length", { pixels: Math.round(value) }));

/** How much of uniform attention a cell has: "5 times its share". */
function share(times) {
  const text = times >= 9.95 ? `${Math.round(times)}` : times.toFixed(1).replace(".0", "");
  if (text === "1") return phrase("share_once");
  return text === "2" ? phrase("share_twice") : phrase("share_times", { times: text });
}

const NOTABLE = 0.1; // of a token's attention: a cls token that takes less is not worth a line

/** A finding with more sentences at the end of its detail; empty ones are left out. */
export const withMore = ({ headline, detail }, ...more) => ({ headline, detail: sentences(detail, ...more) });

/** The strongest cell, as values of a template. */
const brightest = (found) => ({ way: found.direction && way(found.direction), share: percent(found.share), much: share(found.times) });

/** Attention of a token, in few words: it is what the first screen says. `found`: from attentionFinding. */
export function looks(found) {
  const { kind, half, cells, own, distance, uniform } = found;
  const toCls = own >= NOTABLE ? phrase("looks_cls", { own: percent(own) }) : "";
  const values = { ...brightest(found), half, cells, own: percent(own ?? 0), length: length(distance), uniform: Math.round(uniform) };
  if (kind === "single") return { headline: phrase("looks_single"), detail: toCls || phrase("attention_means") };
  if (kind === "inward") return { headline: phrase("looks_inward", values), detail: phrase("looks_inward_detail", values) };
  const alike = kind === "alike";
  const headline = phrase(alike ? "looks_alike" : kind === "near" ? "looks_near" : "looks_far", values);
  return { headline, detail: sentences(phrase(alike ? "looks_alike_detail" : "looks_detail", values), toCls) };
}

/**
 * Attention of the cls token. `blocks`: null where blocks are not compared.
 * @param {?ReturnType<typeof import("../explorer/findings.js").blocksFinding>} [blocks]
 */
export function clsLooks(found, blocks = null) {
  const { kind, half, cells } = found;
  const values = { part: part(found.part), half, cells, own: percent(found.own), ...brightest(found) };
  const detail = blocks ? overBlocks(blocks) : phrase(kind === "single" ? "cls_own" : "cls_detail", values);
  const keys = /** @type {const} */ ({ single: "cls_looks_single", inward: "cls_looks_inward", alike: "cls_looks_alike" });
  return { headline: phrase(keys[kind] ?? "cls_looks", values), detail: sentences(detail, phrase("attention_means")) };
}

function overBlocks({ blocks, closest, first, last }) {
  const keeps = phrase("cls_keeps", { first: percent(first), last: percent(last) });
  const most = closest === null ? phrase("cls_blocks_alike", { blocks }) : phrase("cls_blocks", { closest: closest + 1 });
  return sentences(most, keeps);
}

/** The mean of all tokens' attention. */
export function meanLooks(found) {
  const { kind, half, cells, own } = found;
  const values = { half, cells, part: part(found.part), ...brightest(found), own: percent(own ?? 0) };
  const keys = /** @type {const} */ ({ single: "looks_single", inward: "mean_looks_inward", alike: "mean_looks_alike" });
  const toCls = own === null || kind === "inward" ? "" : phrase("looks_cls", { own: values.own });
  const detail = sentences(kind === "single" ? "" : phrase("mean_detail", values), toCls);
  return { headline: phrase(keys[kind] ?? "mean_looks", values), detail: detail || phrase("attention_means") };
}

/** What looks at a place, or at the cls token. `found`: from receivedFinding. */
export function lookedAt(found, cls) {
  const { kind, tokens, of } = found;
  const what = phrase(cls ? "cls_as_place" : "this_place");
  const where = cls ? part(found.part) : way(found.direction);
  const detail = sentences(
    phrase("looked_at_detail", { where, share: percent(found.share) }),
    phrase("looked_at_even", { even: percent(found.even) }),
  );
  if (kind === "alike") return { headline: phrase("looked_at_alike", { what }), detail };
  if (kind === "none") return { headline: phrase("looked_at_none", { what }), detail };
  const values = { tokens, of, what, length: length(found.distance) };
  return { headline: phrase(cls ? "looked_at_cls" : "looked_at", values), detail };
}

/** A feature map. `found`: from featureFinding; `channel` from 0, null for the mean of channels. */
export function strong(found, { channel, stage, width }) {
  const name = channel === null ? phrase("mean_of_channels", { width }) : phrase("channel", { channel: channel + 1 });
  const sign = phrase(found.sign > 0 ? "sign_more" : "sign_less");
  const values = { name, sign, part: part(found.part), share: percent(found.share) };
  const keys = /** @type {const} */ ({ none: "strong_none", everywhere: "strong_everywhere", some: "strong" });
  const one = () => sentences(phrase("channel_detail", { stage: stage + 1, width }), phrase("channel_means"));
  const detail = channel === null ? phrase("mean_features_detail") : one();
  return { headline: phrase(keys[found.kind], values), detail };
}

/** The principal components. `explained`: their shares of the variance. */
export function directions({ stage, explained, shape }) {
  const carried = explained.reduce((sum, each) => sum + each, 0);
  if (!(carried > 0)) return { headline: phrase("pca_none", { stage: stage + 1 }), detail: phrase("pca_means") };
  const detail = sentences(phrase("pca_detail", { share: percent(carried), shape }), phrase("pca_means"));
  return { headline: phrase("pca_headline", { stage: stage + 1 }), detail };
}

/** Which tokens are like one. `found`: from similarityFinding; `centred`: the mean token was subtracted first. */
export function similar({ tokens, of, together, distance, least }, centred) {
  const alike = phrase(centred ? "similar_centred" : "similar_means", { least });
  if (!tokens) return { headline: phrase("similar_none"), detail: alike };
  const others = together - 1;
  const key = others === 0 ? "similar_apart" : others === tokens ? "similar_together" : "similar_partly";
  return {
    headline: phrase("similar", { tokens, of, length: length(distance) }),
    detail: sentences(phrase(key, { tokens, others }), alike),
  };
}

/** What speaks for a class. `found`: from evidenceFinding. */
export function speaks({ half, cells, against, places, rest, ...found }, label) {
  const name = firstName(label);
  const subtract = phrase(against ? "speaks_against" : "speaks_all", { against });
  const detail = sentences(phrase("speaks_detail", { places: signed(places), rest: signed(rest) }), subtract);
  if (!half) return { headline: phrase("speaks_none", { label: name }), detail };
  return { headline: phrase("speaks", { label: name, half, cells, part: part(found.part) }), detail };
}

/** The prediction. `top`: the most probable classes. */
export function verdict(top, classes) {
  const [first, second] = top;
  const headline = phrase("verdict", { label: firstName(first.label), share: percent(first.probability) });
  if (!second) return { headline, detail: phrase("verdict_only") };
  const values = { next: firstName(second.label), below: percent(second.probability), classes };
  return { headline, detail: phrase("verdict_detail", values) };
}

/** What a token of a conv embedding is made of. `stage` from 0. */
export function madeOf({ stage, kernel, stride, field }) {
  const shared = kernel[1] - stride[1];
  const overlap = phrase(shared > 0 ? "made_shared" : "made_alone", { shared, columns: kernel[1] });
  const headline = phrase(stage ? "made_of_tokens" : "made_of", { kernel: sides(kernel), before: stage, overlap });
  const from = stage ? phrase("made_field", { field: sides(field) }) : "";
  const every = stride[0] * stride[1] === 1 ? "made_stride_one" : stage ? "made_stride_tokens" : "made_stride";
  return { headline, detail: sentences(from, phrase(every, { stride: stride[1], patch: sides(stride) })) };
}

const DARK = 1 / 3; // of the scale

/** That a map of attention looks dark because its scale spans more than itself; empty where it does not. `largest` and `top`: weights. */
export const darkScale = (largest, top) =>
  largest < DARK * top ? phrase("scale_dark", { top: percent(top), share: percent(largest / top) }) : "";

/** The same of a channel's largest value, of either sign. */
export const darkChannel = (largest, top) => (largest < DARK * top ? phrase("scale_dark_channel", { share: percent(largest / top) }) : "");

/** What is told of a new picture: its class, and the finding unless it says the same. `top`: the most probable classes. */
export function announced([first], classes, headline) {
  const own = verdict([first], classes).headline;
  return own === headline ? own : sentences(own, headline);
}

/**
 * A run of the laboratory. `before` and `after`: { label, probability } of the most probable class; `costs`: changes in words,
 * such as "keys 4 × as many"; `trained`: whether the variant's weights mean anything.
 */
export function runFinding({ before, after, costs, trained }) {
  const values = { label: firstName(after.label), share: percent(after.probability) };
  const same = before.label === after.label;
  const other = { ...values, before: firstName(before.label), was: percent(before.probability) };
  const result = !trained ? phrase("run_untrained", values) : same ? phrase("run_same", values) : phrase("run_other", other);
  return costs.length ? phrase("run_costs", { result, costs: costs.join(", ") }) : phrase("run_result", { result });
}
