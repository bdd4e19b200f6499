// The words of the explorer. Rows, columns, stages, blocks and heads count from 1 here, and only here.

import { NARROW, number, orBelow, percent, plural, sides, signed } from "../shared/format.js";

/** What the line over the picture says of results, and its buttons. */
export const NOTICE = {
  loading: "Loading the maps …",
  block: "Loading this block …",
  working: "Running the model …",
  newer: "Running your latest choice …",
  gone: "The server no longer keeps this result.",
  lost: "The server no longer keeps this result. Choose the picture again.",
  unanswered: "The server has not answered. Choose the picture again.",
  again: "Try again",
  renew: "Show it again",
};

/** "row 5, column 9". */
export const place = ({ row, column }) => `row ${row + 1}, column ${column + 1}`;

/** The same where there is little room. */
export const shortPlace = ({ row, column }) => `row ${row + 1}, col ${column + 1}`;

const which = (head, heads) => (heads === 1 ? "its only head" : head < 0 ? `mean of ${heads} heads` : `head ${head + 1}`);

/**
 * What the attention picture shows, in one sentence.
 * `shown`: { stage, block, head, heads, view ("token" | "received" | "mean"), cls, cell, keyCell, queryShape, keyShape }.
 */
export function attentionSentence(shown) {
  const { stage, block, head, heads, view, cls, cell, keyCell, queryShape, keyShape } = shown;
  const start = `Stage ${stage + 1}, block ${block + 1}, ${which(head, heads)}: `;
  const keys = `each of the ${sides(keyShape)} key cells`;
  if (view === "mean") return `${start}how strongly all ${sides(queryShape)} tokens together, on average, draw on ${keys}.`;
  if (view === "received") {
    return `${start}how strongly each of the ${sides(queryShape)} tokens draws on ${cls ? "the cls token" : `the key cell at ${place(keyCell)}`}.`;
  }
  const who = cls ? "the cls token" : `the token at ${place(cell)}`;
  return `${start}how strongly ${who} draws on ${keys}.`;
}

/** What the feature picture shows, in one sentence. `shown`: { stage, view, channel, width, cell, centred, explained, shape }. */
export function featureSentence({ stage, view, channel, width, cell, centred, explained, shape }) {
  const start = `Stage ${stage + 1}: `;
  if (view === "pca") {
    const share = percent(explained.reduce((sum, each) => sum + each, 0));
    return `${start}the three directions in which its ${sides(shape)} tokens differ most, as red, green and blue. They carry ${share} of the variance.`;
  }
  if (view === "mean") return `${start}the mean of all ${width} channels at each of the ${sides(shape)} tokens.`;
  if (view === "similarity") {
    const kind = centred ? "cosine similarity, after the mean token is taken away," : "cosine similarity";
    return `${start}${kind} of every token to the one at ${place(cell)}.`;
  }
  return `${start}channel ${channel + 1} of ${width} at each of the ${sides(shape)} tokens.`;
}

/** The region of a class, and how channels are sorted by it. `region`: of views.js's classRegion. */
export function regionWords({ cells, share, grid }, label) {
  return (
    `Outlined: the ${plural(cells.size, "cell")} of ${sides(grid.shape)} that carry ${percent(share)} of what places add to the score of ${firstName(label)}. ` +
    "Choose another class beside its bar. First come channels whose mean there lies furthest above their mean elsewhere, in standard deviations."
  );
}

/** What a conv embedding is. `before`: { shape, width } of what it reads; `first`: that is the picture. */
export function embeddingWords({ before, stage, first }) {
  const { kernel, stride, padding } = stage.embedding;
  return (
    `A ${sides(kernel)} convolution, stride ${stride[0]}, padding ${padding[0]}, then LayerNorm: ${sides(before.shape)} ${first ? "pixels" : "tokens"} of ` +
    `${before.width} numbers become ${sides(stage.query.shape)} tokens of ${stage.width}.`
  );
}

/** What it costs and what its overlap is for. `share`: of the pixels of two neighbouring tokens that both see, in words. */
export function embeddingFacts({ before, stage, first, share }) {
  const { kernel, stride } = stage.embedding;
  const numbers = kernel[0] * kernel[1] * before.width;
  const both = Math.max(0, kernel[1] - stride[1]);
  const overlap = both ? `Two neighbours read ${both} of ${kernel[1]} columns both` : "Two neighbours read nothing both";
  return (
    `Each token is a weighted sum of ${sides(kernel)} ${first ? "pixels" : "tokens"} × ${before.width} = ${numbers} numbers, once for each of its ${stage.width} channels. ` +
    `That is ${(numbers * stage.width + stage.width).toLocaleString("en").replaceAll(",", NARROW)} weights, the same at every place. ` +
    `${overlap}; down to the pixels they share ${share}. A ViT's patches share nothing.`
  );
}

/** What the classifier is. */
export function classifierWords({ width, classes, cls }) {
  const read = cls ? "the cls token" : "the mean of the last stage's tokens";
  return `LayerNorm, then one linear layer: the ${width} numbers of ${read} become ${classes} scores. Softmax makes them probabilities.`;
}

/** What is open between the stages, in one sentence. `shown`: { part, stage, cell, embedding, cls, classes }. */
export function partSentence({ stage, cell, embedding }) {
  const read = stage ? `${sides(embedding.kernel)} tokens of stage ${stage}` : `${sides(embedding.kernel)} pixels`;
  return `Conv embedding of stage ${stage + 1}: the token at ${place(cell)} starts from ${read}.`;
}

/** What the class picture shows, in one sentence. `shown`: { stage, depth, cls, grid, label }. */
export function evidenceSentence({ stage, depth, cls, grid, label }) {
  const start = `Score of ${firstName(label)}: what `;
  if (!cls) return `${start}each of the ${sides(grid.shape)} tokens of stage ${stage + 1} adds to it.`;
  return (
    `${start}the cls token's attention fetches for it from each of the ${sides(grid.shape)} key cells, ` +
    `${depth === 1 ? `in the block of stage ${stage + 1}` : `in all ${depth} blocks of stage ${stage + 1}`}.`
  );
}

/** How to read the class picture. `found`: of views.js's evidenceMap. */
export function evidenceLegend({ high, places, rest, cls }) {
  const others = cls ? "The MLPs and all else" : "The classifier's constants";
  return (
    `Red adds, blue takes away; the strongest is ${number(high)}. All places: ${signed(places)}. ${others}: ${signed(rest)}. ` +
    `Together ${signed(places + rest)}, the score above the mean class. The outlined cells carry half of what adds.`
  );
}

/** What the numbers beside a row of weights are called. */
export const NUMBERS = { minimum: "min", maximum: "max", uniform: "max is", entropy: "entropy", cls: "on the cls token" };

/** Those numbers in words. `clsWeight`: null where there is no cls token; `row`: the row's largest weight, with that of the token. */
export function rowNumbers({ minimum, maximum, entropy, uniform }, keys, clsWeight = null, row = maximum) {
  return {
    minimum: orBelow(minimum, maximum),
    maximum: percent(maximum),
    uniform: `${uniform >= 9.95 ? Math.round(uniform) : uniform.toFixed(1)} × uniform`,
    entropy: `${entropy.toFixed(1)} of ${Math.log2(keys).toFixed(1)} bit`,
    cls: clsWeight === null ? null : orBelow(clsWeight, row),
  };
}

/** Who is looked at where that is no place on the picture. */
export const WHO = { cls: "cls token", all: "all tokens" };

/** How to read feature maps, and the picture alone. */
export const FEATURE_LEGEND = "Outlined: the token under the pointer.";
export const TOKEN_LEGEND = "Outlined: the token. Dashed: the pixels that its vector starts from.";

/** How to read attention on the picture: what is outlined, what is filled. */
export function attentionLegend({ view, cls, reduction, field }) {
  if (view === "mean") return "Filled: key cells, at their true size and place. What all tokens fetch is also what each key receives.";
  if (view === "received") return "Outlined: the key cell. Filled: the tokens that draw on it. A column of weights does not sum to 1.";
  const keys = reduction > 1.05 ? `key cells, each as large as ${Math.round(reduction)} tokens` : "key cells";
  if (cls) return `The cls token has no place on the picture. Filled: ${keys}.`;
  return `Outlined: the token. Dashed: the ${field} pixels that its vector starts from. Filled: ${keys}.`;
}

/**
 * Where a token comes from, with its numbers. `windows`: of geometry.js's ancestors; `stage` from 0; `field` and `stride`
 * in pixels, (vertical, horizontal).
 */
export function chainSentence(windows, stage, field, stride) {
  const steps = windows.map(
    ({ stage: each, top, left, bottom, right }) => `${sides([bottom - top + 1, right - left + 1])} tokens of stage ${each + 1}`,
  );
  const made = [`The stage ${stage + 1} token`, ...steps, `${sides(field)} pixels`].join(" ← ");
  return `${made}. Neighbours share what they are made of; a ViT's patches of ${sides(stride)} pixels would share nothing.`;
}

/** What two neighbouring tokens share, and what the patches of a ViT do. */
export const overlapWords = (share, field) => ({
  name: "CvT: this token and its neighbour",
  value: `share ${percent(share)} of their ${sides(field)} pixels`,
});
export const patchWords = (stride) => ({ name: "ViT with as many tokens", value: `patches of ${sides(stride)} pixels share none` });

/** What a conv embedding reads and makes. */
export const readWords = (stage) => (stage ? `Read: stage ${stage}, as PCA` : "Read: the pixels");
export const madeWords = (cell) => `Made: ${shortPlace(cell)}, and its neighbour`;

/** A class's first name: ImageNet's labels list synonyms after commas, "lesser panda, red panda, panda, …". */
export const firstName = (label) => label.split(",")[0];
