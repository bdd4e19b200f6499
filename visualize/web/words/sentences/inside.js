// What is said in the microscope.

export const INSIDE = {
  inside_title: "Inside block {block} of stage {stage}: why a convolution and a linear layer?",
  inside_loading: "Loading this block's numbers …",
  inside_plain: "This model projects without a convolution: the linear layer reads the tokens themselves.",
  inside_tokens: "Channel {channel} of the tokens",
  inside_kernel: "Its kernel, stride {stride}",
  inside_convolved: "After convolution and BatchNorm",
  inside_projected: "{projection} channel {channel}, after the linear layer",
  inside_spoken: "{name}, {size}, {value}",
  here: "here {value}",
  norm_before: "Tokens before",
  norm_attention: "Attention adds",
  norm_mlp: "MLP adds",
  norm_spoken: "{name}: {value}",
  adds:
    "The token at {place} is a vector of length {before}. Attention adds one of {attention}, then the MLP one of {mlp}. " +
    "Colours run from 0 to {most}.",
  score:
    "Head {head}, its strongest key place, {place}: query · key = {product}. " +
    "Scaled by {scale}, one over the root of the width: {score}. " +
    "Softmax over all {keys} keys makes it {weight}; the row's entropy is {entropy} bits.",
  convolution_sum: "At {place}: {products} = {sum}. BatchNorm: {scaled} {shift} = {value}.",
  linear_term: "{product} (channel {channel})",
  linear_sum: "{projection} channel {channel} = {terms} {rest} (the other {others}) {bias} (bias) = {value}.",
  why_linear: "The linear layer mixes {channels} channels of one place. Nothing here mixes places.",
  why_convolution: "The convolution mixes {cells} neighbours of one channel: it sees shape, and where a token lies.",
  why_stride_keys: "Its stride of {stride} leaves {times} times fewer keys.",
  why_stride_values: "Its stride of {stride} leaves {times} times fewer values.",
  why_both: "The linear layer mixes {channels} channels of one place. Each does what the other cannot.",
};
