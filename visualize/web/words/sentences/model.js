// What the model in the browser says: refusals in the words of the page's server, and what can go wrong when it is loaded.

export const MODEL = {
  no_whole: "Set {name} to a whole number from {least} to {most}.",
  no_such_choice: "Set {name} to one of these: {values}.",
  no_interventions: "Give interventions as a list of objects with stage, block, part and how.",
  no_way: "Only heads and attention can be uniform; {part} cannot.",
  no_conv: "Stage {stage} has no {part}: its projections are linear.",
  twice: "The part {part} of stage {stage}, block {block} is given twice. A block is its attention and its MLP.",
  no_class: "There is no such class in this model.",
  not_stored: "This result is no longer stored.",
  seen_in_part: "The model saw only the middle square of {width}×{height} pixels.",
  seen_squeezed: "The model saw all of the {width}×{height} pixels, squeezed into a square.",
  over_white: "Transparent parts shown over white.",
  not_a_picture: "This is not a picture that the browser can read.",
  too_many_pixels: "This picture has {count} million pixels. Use one of at most {most} million.",
  not_finite: "This model gives NaN or infinity, which cannot be drawn. Use other weights.",
  model_unreached: "The model could not be loaded. Check the connection, and try again.",
  model_damaged: "The model's file {name} is damaged. Reload the page.",
  model_differs: "The model computes something else in this browser than it should. Use another browser.",
  model_ended: "The model in this browser has stopped. Reload the page.",
};
