// "How far does it look?"

export const REACH = {
  reach_waiting: "How far does each head look, and how far would it by looking everywhere equally?",
  reach_nearest: "Head {head} of block {block}, stage {stage} looks nearest: {length} away on average.",
  reach_nearest_alone: "The head of block {block}, stage {stage} looks nearest: {length} away on average.",
  reach_narrowest: "Stage {stage} is the most local: {pixels} pixels, where looking everywhere equally gives {uniform}.",
  reach_alike: "No stage looks nearer than it would by looking everywhere equally.",
  reach_pixels: "{pixels} {pixels|pixel|pixels}",
  reach_note: "Each dot is a head; choose one to see it on the picture.",
  reach_means:
    "The distance is from a token to where it looks, by weight, on average over all tokens of this picture. The cls token has no place.",
  reach_uniform: "everywhere equally",
  reach_distance: "mean distance in pixels",
  reach_chart: "Mean attention distance of {heads} {heads|head|heads} over {blocks} {blocks|block|blocks}. {finding}",
  reach_after: "Block",
  reach_heads: "Heads, in pixels",
  reach_alike_column: "Everywhere equally",
  reach_head: "Show head {head} of block {block}, stage {stage}: {length}",
  reach_field:
    "Half of what moves this spot after stage {stage} lies within {side} pixels around it. " +
    "Its convolutions alone reach {theoretical}, where {within} of it lies.",
  reach_field_cls:
    "Half of what moves the cls token lies in {pixels} of {of} pixels. It has no place, and no convolution: it reaches them by attention.",
  reach_field_none: "Point at the picture, or hold a token: what moves it is shown here.",
  reach_field_name: "What moves this spot",
  reach_field_legend: "Bright: pixels that move it most, by gradient, for this picture. Solid: half of it. Dashed: convolutions alone.",
  reach_field_legend_cls: "Bright: pixels that move it most, by gradient, for this picture.",
};
