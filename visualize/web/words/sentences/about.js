// What a CvT is, in one screen.

export const ABOUT = {
  about_picture: "Your picture",
  about_picture_text: "The model gets {input} pixels. Each is three numbers: red, green and blue.",
  about_embedding: "A window of {kernel} pixels moves over it, {stride} at a time. What it sees becomes a [token|token]: {width} numbers.",
  about_embedding_overlaps:
    "A window of {kernel} pixels moves over it, {stride} at a time. What it sees becomes a [token|token]: {width} numbers. " +
    "The windows overlap.",
  about_projection:
    "Each [block|block] first mixes every token with its {kernel} neighbours. From that it makes a [query|query], a [key|key] and " +
    "a [value|value], so positions need no code of their own.",
  about_projection_linear: "Each [block|block] makes a [query|query], a [key|key] and a [value|value] from every token by itself.",
  about_attention:
    "Each token looks at all places, near and far, in {heads} [{heads|head|heads}|head], and takes in what it finds where it looks most.",
  about_keys: "Keys",
  about_keys_fewer:
    "{queries} tokens look at {keys} keys, {times} times fewer, because the projection moves on in [strides|stride]. That saves work.",
  about_keys_each: "{queries} tokens look at as many keys. A [stride|stride] above 1 would leave fewer, and save work.",
  about_stages: "Stages",
  about_stages_text: "This happens in {count} {count|stage|stages}: {sizes}.",
  about_size_first: "{shape} tokens of {width} numbers",
  about_size: "{shape} of {width}",
  about_cls: "In the last stage an extra token looks at all others, block after block, and collects what tells classes apart.",
  about_mean: "Mean token",
  about_mean_text: "The last stage's tokens are averaged. This mean is all that the classifier reads.",
  about_class: "The class",
  about_class_text:
    "The classifier gives each of {classes} classes a score, a [logit|logit]. Here {label} gets {share} of the probability.",
};
