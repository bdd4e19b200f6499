// What is said of a picture, its maps and the parts of the model.

export const EXPLORER = {
  // the whole picture, where the model sees only a part
  whole_share: "The model sees {share}",
  whole_spoken: "The model sees only the framed part of the picture: {share} of it.",

  // the parts of a model, and places
  model: "Model",
  input: "Input",
  pixels: "{size} pixels",
  stage: "Stage {stage}",
  stages: "{count} {count|stage|stages}",
  block: "Block {block}",
  head: "Head {head}",
  channel: "Channel {channel}",
  mean: "Mean",
  embedding: "Conv embedding",
  classifier: "Classifier",
  projection: "{projection} projection",
  back: "Press Escape to go back.",
  hide_ancestors: "Hide where the token comes from",
  place: "row {row}, column {column}",
  short_place: "row {row}, col {column}",
  cls_token: "cls token",
  all_tokens: "all tokens",
  mean_of_tokens: "all tokens, mean",
  to_cls_token: "to the cls token",
  to_place: "to {place}",
  pinned: "Held · Esc lets go",
  chip_mouse: "Move · click holds",
  chip_touch: "Drag a finger over the picture",
  verdict_next: "next: {label}, {share}",
  range: "{low} … {high}",

  // questions that lead to a state of the page
  question_lesson: "Lesson: {question}",
  questions_title: "Find out by doing",
  question_far: "Does it look far?",
  question_heads: "Which heads matter?",
  question_decided: "When is it decided?",
  question_twice: "Why convolve before q, k, v?",
  question_overlap: "Why overlap?",
  question_fewer: "Why fewer keys?",
  question_positions: "Why no positions?",
  question_cls: "Why cls so late?",

  // the pipeline
  picture: "Picture",
  arrow_cls: "cls",
  arrow_mean: "mean",
  input_hint: "Show the pixels that the model sees",
  input_spoken: "The pixels that the model sees",
  embedding_pixels: "{kernel} pixels, stride {stride}",
  embedding_tokens: "{kernel} tokens, stride {stride}",
  stage_blocks: "{blocks} {blocks|block|blocks}, {heads} {heads|head|heads}",
  features_spoken: "Feature maps of stage {stage}: {name}, {caption}",
  attention_spoken: "Attention of stage {stage}: {name}, {size}",
  largest: "max {share}",
  choose_to_load: "choose to load",

  // attention
  attention_title: "Attention in stage {stage}",
  queries: "{queries} queries attend to {keys} keys.",
  queries_fewer: "{queries} queries attend to {keys} keys, {times} times fewer.",
  queries_cls: "{queries} queries attend to {keys} keys and to the cls token.",
  queries_fewer_cls: "{queries} queries attend to {keys} keys, {times} times fewer, and to the cls token.",
  only_head: "its only head",
  mean_of_heads: "mean of {heads} heads",
  one_head: "head {head}",
  token_attends: "Stage {stage}, block {block}, {heads}: how strongly the token at {place} attends to each of the {keys} key cells.",
  cls_attends: "Stage {stage}, block {block}, {heads}: how strongly the cls token attends to each of the {keys} key cells.",
  attend_to_key: "Stage {stage}, block {block}, {heads}: how strongly each of the {queries} tokens attends to the key cell at {place}.",
  attend_to_cls: "Stage {stage}, block {block}, {heads}: how strongly each of the {queries} tokens attends to the cls token.",
  mean_attends:
    "Stage {stage}, block {block}, {heads}: how strongly all {queries} tokens, on average, attend to each of the {keys} key cells.",
  heads: "{heads} {heads|head|heads}",
  blocks: "{blocks} {blocks|block|blocks}, first to last.",
  blocks_cls: "The cls token's attention in {blocks} {blocks|block|blocks}, first to last.",
  blocks_mean: "Each is the mean of its heads.",
  blocks_head: "Head {head} of each.",
  blocks_numbers: "Below: the entropy.",
  blocks_numbers_cls: "Below: the entropy and the weight on the cls token.",
  load: "load",
  loading: "loading",
  not_loaded: "not loaded",
  entropy: "{entropy} bits",
  cls_weight: "cls {share}",
  weights_spoken: "Weights, {query}",
  minimum_name: "min",
  maximum_name: "max",
  uniform_name: "max is",
  entropy_name: "entropy",
  cls_name: "on the cls token",
  uniform: "{times} × uniform",
  entropy_of: "{entropy} of {most} bits",

  // features
  features_title: "Feature maps of stage {stage}",
  features_sub: "{shape} tokens, each a vector of {width} numbers (channels).",
  features_pca:
    "Stage {stage}: the three directions in which its {shape} tokens differ most, as red, green and blue. " +
    "They carry {share} of the variance.",
  features_mean: "Stage {stage}: the mean of all {width} channels at each of the {shape} tokens.",
  features_channel: "Stage {stage}: channel {channel} of {width} at each of the {shape} tokens.",
  features_similarity: "Stage {stage}: cosine similarity of every token to the one at {place}.",
  features_similarity_centred: "Stage {stage}: cosine similarity of every token to the one at {place}, after subtracting the mean token.",
  pca: "PCA",
  pca_caption: "{share} of variance",
  pca_red: "Red, component 1",
  pca_green: "Green, component 2",
  pca_blue: "Blue, component 3",
  pca_facts: "Axes and signs of components are arbitrary: compare shapes, not hues, between pictures and stages.",
  similarity: "Similarity",
  similarity_caption: "cosine {low} … 1",
  similarity_facts: "Cosine of the angle between each token's vector and the one at {place}. 1 is the same direction.",
  feature_facts: "At {place}: {value}. Range {low} … {high}.",
  feature_caption: "{name}, {caption}",
  histogram: "Histogram of channel {channel}, from {low} to {high}; the token's value is {value}.",
  wall_title: "Channels, {shown} of {count}",
  wall_fewer: "Show the first {shown} only",
  wall_more: "Show all {count}",
  wall_spoken: "Wall of {count} channels, sorted. Arrow keys choose one; channel {channel} is chosen.",
  region:
    "Outlined: the {cells} {cells|cell|cells} of {grid} that carry {share} of what places add to the score of {label}. " +
    "Choose another class by its bar. Channels are sorted by how far their mean there lies above their mean elsewhere, " +
    "in standard deviations.",

  // how to read what lies on the picture
  legend_features: "Outlined: the token under the pointer.",
  legend_token: "Outlined: the token. Dashed: the pixels that its vector starts from.",
  legend_attends: "Outlined: the token. Dashed: the {field} pixels that its vector starts from. Filled: key cells.",
  legend_attends_reduced:
    "Outlined: the token. Dashed: the {field} pixels that its vector starts from. Filled: key cells, each as large as {tokens} tokens.",
  legend_cls: "The cls token has no place on the picture. Filled: key cells.",
  legend_cls_reduced: "The cls token has no place on the picture. Filled: key cells, each as large as {tokens} tokens.",
  legend_mean: "Filled: key cells, at their true size and place. The mean over all tokens is also what each key receives.",
  legend_received: "Outlined: the key cell. Filled: the tokens that attend to it. A column of weights does not sum to 1.",
  legend_received_cls: "Filled: the tokens that attend to the cls token. A column of weights does not sum to 1.",
  chain: "{chain}. Neighbouring tokens share what they are made of; a ViT's patches of {patch} pixels would share nothing.",
  chain_token: "The stage {stage} token",
  chain_tokens: "{shape} tokens of stage {stage}",
  neighbours: "CvT: this token and its neighbour",
  neighbours_share: "share {share} of their {field} pixels",
  patches: "ViT with as many tokens",
  patches_share: "patches of {patch} pixels share none",

  // classes
  evidence_tokens: "Score of {label}: what each of the {grid} tokens of stage {stage} adds to it.",
  evidence_cls:
    "Score of {label}: what the cls token's attention fetches for it from each of the {grid} key cells, " +
    "in all {depth} blocks of stage {stage}.",
  evidence_cls_block:
    "Score of {label}: what the cls token's attention fetches for it from each of the {grid} key cells, in the block of stage {stage}.",
  evidence_here: "{label} · here {value}",
  evidence_none: "Classifier: the most probable of {classes} classes is {label}.",
  evidence_legend:
    "What is {adds} adds, what is blue subtracts; the strongest is {high}. All places: {places}. The classifier's constants: {rest}. " +
    "Together {sum}, the score above the mean class. The outlined cells carry half of what adds.",
  evidence_legend_cls:
    "What is {adds} adds, what is blue subtracts; the strongest is {high}. All places: {places}. The MLPs and all else: {rest}. " +
    "Together {sum}, the score above the mean class. The outlined cells carry half of what adds.",
  evidence_parts: "places {places}, rest {rest}",
  adds_light: "light",
  adds_map: "red",
  evidence_scales: "Each picture has its own scale: what is {adds} adds to the score, what is blue subtracts.",
  evidence_direct: "These are direct contributions; the MLPs work on them too.",
  classifier_mean:
    "LayerNorm, then one linear layer: the {width} numbers of the mean of the last stage's tokens become {classes} scores. " +
    "Softmax turns them into probabilities.",
  classifier_cls:
    "LayerNorm, then one linear layer: the {width} numbers of the cls token become {classes} scores. " +
    "Softmax turns them into probabilities.",

  // conv embeddings
  embedding_title: "Conv embedding of stage {stage}",
  embedding_of_pixels:
    "A {kernel} convolution, stride {stride}, padding {padding}, then LayerNorm: " +
    "{before} pixels of {numbers} numbers become {after} tokens of {width}.",
  embedding_of_tokens:
    "A {kernel} convolution, stride {stride}, padding {padding}, then LayerNorm: " +
    "{before} tokens of {numbers} numbers become {after} tokens of {width}.",
  embedding_from_pixels: "Conv embedding of stage {stage}: the token at {place} starts from {kernel} pixels.",
  embedding_from_tokens: "Conv embedding of stage {stage}: the token at {place} starts from {kernel} tokens of stage {before}.",
  sum_of_pixels: "Each token is a weighted sum of {kernel} pixels × {numbers} = {terms} numbers, once for each of its {width} channels.",
  sum_of_tokens: "Each token is a weighted sum of {kernel} tokens × {numbers} = {terms} numbers, once for each of its {width} channels.",
  embedding_weights: "That is {weights} weights, the same at every place.",
  overlap: "Neighbouring tokens share {both} of {columns} columns, and {share} of the pixels that they start from.",
  no_overlap: "Neighbouring tokens share no columns, and {share} of the pixels that they start from.",
  patches_apart: "A ViT's patches share nothing.",
  from_pixels: "From: the pixels",
  from_stage: "From: stage {stage}, as PCA",
  to_token: "To: {place}, and its neighbour",
  figure_spoken: "{name}, {size}",
};
