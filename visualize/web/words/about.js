// What a CvT is, step by step, in the numbers of the model that is shown.

import { firstName } from "./explorer.js";
import { percent, sides } from "./format.js";
import { phrase } from "./phrase.js";

/**
 * The steps of a picture through a model: [{ title, text, term, stage }]. `text` has terms; `term` is the one whose drawing goes with
 * it, of `stage` if that is not the chosen one; the first step's drawing is the picture.
 * @param {import("../explorer/result.js").Result} result
 * @param {number} chosen the stage of the drawings
 * @returns {{ title: string, text: string, term?: import("./terms.js").Term, stage?: number }[]}
 */
export function stepsOf(result, chosen) {
  const { stages, input, header } = result;
  const [first] = stages;
  const stage = stages[chosen];
  const [queries, keys] = [stage.query, stage.key].map(({ shape }) => shape[0] * shape[1]);
  const times = queries / keys;
  const reduced = { queries, keys, times: times.toFixed(times % 1 > 0.05 ? 1 : 0) };
  const { kernel, stride } = first.embedding;
  const overlaps = kernel[1] > stride[1];
  const projected = stage.projection?.method !== "linear";
  const last = stages[stages.length - 1];
  const { label, probability } = header.top[0];
  const sizes = stages.map(({ query, width }, index) =>
    phrase(index ? "about_size" : "about_size_first", { shape: sides(query.shape), width }),
  );
  return [
    { title: phrase("about_picture"), text: phrase("about_picture_text", { input: sides(input) }) },
    {
      title: phrase("name_conv_embedding"),
      text: phrase(overlaps ? "about_embedding_overlaps" : "about_embedding", {
        kernel: sides(kernel),
        stride: stride[1],
        width: first.width,
      }),
      term: "conv_embedding",
      stage: 0,
    },
    {
      title: phrase("name_conv_projection"),
      text: phrase(projected ? "about_projection" : "about_projection_linear", {
        kernel: sides(Array(2).fill(stage.projection?.kernel ?? 3)),
      }),
      term: "conv_projection",
    },
    { title: phrase("name_attention"), text: phrase("about_attention", { heads: stage.heads }), term: "attention" },
    { title: phrase("about_keys"), text: phrase(times > 1.05 ? "about_keys_fewer" : "about_keys_each", reduced), term: "key" },
    { title: phrase("about_stages"), text: phrase("about_stages_text", { count: stages.length, sizes: sizes.join(", ") }), term: "stage" },
    {
      title: phrase(last.cls ? "name_cls_token" : "about_mean"),
      text: phrase(last.cls ? "about_cls" : "about_mean_text"),
      term: "cls_token",
      stage: stages.length - 1,
    },
    {
      title: phrase("about_class"),
      text: phrase("about_class_text", { classes: header.classes, label: firstName(label), share: percent(probability) }),
      term: "logit",
    },
  ];
}
