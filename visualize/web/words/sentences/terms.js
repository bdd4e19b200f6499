// The terms that open: a name, what it means in one sentence of 25 words at most, and what its drawing shows of this picture.

export const TERM_SENTENCES = {
  name_token: "Token",
  term_token: "A token is a list of numbers that describes one small place of the picture.",
  drawn_token: "Stage {stage} has {shape} tokens of {width} numbers. This one is outlined.",

  name_query: "Query",
  term_query: "A token's query says what it looks for: it is compared with every key, and the best matches get the most attention.",
  drawn_query: "The {count} {count|key|keys} that match this token's query best get {share} of its attention.",

  name_key: "Key",
  term_key: "A key stands for a place that tokens can look at; a stride makes one key stand for several tokens.",
  drawn_key: "Tinted: one key, as large as {times} tokens. Stage {stage} has {queries} tokens and {keys} keys.",
  drawn_key_each: "Tinted: one key. Stage {stage} has as many keys as tokens, {keys}.",

  name_value: "Value",
  term_value: "A value is what a place hands over when it is looked at: a token takes in more of it the harder it looks.",
  drawn_value: "How much of each place {who} takes in: the faint ones hand over little.",

  name_attention: "Attention",
  term_attention: "Attention is how a token divides its look among all places: the shares add up to 100\u202f%.",
  drawn_attention: "Where {who} looks. The strongest place takes {share}.",
  drawn_attention_cls: "Where {who} looks. The strongest place takes {share}, the cls token {cls}.",

  name_head: "Head",
  term_head: "A head is one of several attentions side by side, each with queries, keys and values of its own.",
  drawn_head: "Where {who} looks in heads 1 to {count} of {heads}.",
  drawn_head_one: "Where {who} looks. This stage has a single head.",

  name_block: "Block",
  term_block: "A block is one round of work: attention mixes places, then a small network changes each token by itself.",
  drawn_block: "Where {who} looks in blocks 1 to {count} of {blocks}.",
  drawn_block_one: "Where {who} looks. This stage has a single block.",

  name_cell: "Cell",
  term_cell: "A cell is the square of the picture that one token or one key stands for.",
  drawn_cell: "The cells of the {shape} keys of stage {stage}. One is tinted.",

  name_mlp: "MLP",
  term_mlp: "The MLP is a small network at the end of a block that changes each token by itself, whatever the others are.",
  drawn_mlp: "Only this token's {width} numbers go into it, and as many come out.",

  name_classifier: "Classifier",
  term_classifier: "The classifier is the model's last layer: it turns what it reads into a score for every class.",
  drawn_classifier: "Here it chooses among {classes} {classes|class|classes}.",
  drawn_classifier_others: "All others",

  name_stage: "Stage",
  term_stage: "A stage is a conv embedding and the blocks after it; each stage has fewer tokens with more numbers.",
  drawn_stage: "The tokens of every stage: {shapes}. In each, similar tokens have similar colours.",

  name_channel: "Channel",
  term_channel: "A channel is one of the numbers that each token has; over all tokens it makes a picture.",
  drawn_channel: "Channel {channel} of {width} in stage {stage}: red is above 0, blue below.",

  name_cls_token: "Cls token",
  term_cls_token: "The cls token is an extra token without a place; it collects from all others what the classifier reads.",
  drawn_cls_token: "Where the cls token looks in stage {stage}, block {block}.",
  drawn_cls_token_none: "This model has none: its classifier reads the mean of all {shape} tokens of stage {stage}.",

  name_stride: "Stride",
  term_stride: "The stride is how far a window moves from one place to the next; a stride of 2 halves the grid.",
  drawn_stride_pixels: "Stage {stage}: the window of {kernel} pixels moves {stride} {stride|pixel|pixels} at a time.",
  drawn_stride_tokens: "Stage {stage}: the window of {kernel} tokens moves {stride} {stride|token|tokens} at a time.",

  name_padding: "Padding",
  term_padding: "Padding is a border of zeros around the grid, so that windows at the edge are complete.",
  drawn_padding: "Stage {stage}: the first window reaches {padding} {padding|row|rows} past the edge, where all is 0.",
  drawn_padding_none: "Stage {stage} has no padding: its first window begins at the edge.",

  name_conv_embedding: "Conv embedding",
  term_conv_embedding: "A conv embedding makes tokens with a convolution: each is a weighted sum over a small window of the grid below.",
  drawn_conv_embedding_pixels: "Stage {stage}: neighbours share {both} of the {kernel} columns of pixels that they are made of.",
  drawn_conv_embedding_tokens: "Stage {stage}: neighbours share {both} of the {kernel} columns of tokens that they are made of.",

  name_conv_projection: "Conv projection",
  term_conv_projection:
    "A conv projection makes queries, keys and values: a small convolution over neighbouring tokens, then a linear layer.",
  drawn_conv_projection: "This token's query is made of {kernel} tokens, one channel at a time.",
  drawn_conv_projection_none: "This stage has no such convolution: a query is made of its own token alone.",
  drawn_conv_projection_unknown: "A query is made of the outlined token and its neighbours.",

  name_receptive_field: "Receptive field",
  term_receptive_field: "The receptive field is the part of the picture that a token's conv embeddings see before attention adds the rest.",
  drawn_receptive_field: "Dashed: this token starts from {field} of the {input} pixels.",

  name_pca: "PCA",
  term_pca: "PCA finds the three directions in which the tokens differ most and paints them red, green and blue.",
  drawn_pca: "Stage {stage}: the three carry {share} of all differences.",

  name_similarity: "Similarity",
  term_similarity: "Similarity is the cosine of the angle between two tokens' lists of numbers: 1 means the same direction.",
  drawn_similarity: "Red: like the outlined token. The least alike is at {least}.",

  name_entropy: "Entropy",
  term_entropy: "Entropy says how widely attention is spread, in bits: 0 for a single place, more for many.",
  drawn_entropy: "The weights of {who}, largest first: {entropy} bits of at most {most}. Dashed: all alike.",

  name_uniform: "Uniform",
  term_uniform: "Uniform means looking everywhere equally: with n keys, each gets one n-th of the attention.",
  drawn_uniform: "Left, uniform: {share} for each of {keys}. Right, {who}: at most {times} times that.",

  name_logit: "Logit",
  term_logit: "A logit is a class's score; softmax turns the scores of all classes into probabilities.",
  drawn_logit: "{first} leads {second} by {lead} logits, so it is {times} times as probable.",
  drawn_logit_one: "{first} is the only class, so its probability is 1 whatever its logit.",

  this_token: "this token",
  the_cls_token: "the cls token",
  not_drawn: "This block is not loaded, so there is nothing to draw.",
  no_result: "The drawing appears when the model has seen a picture.",
};
