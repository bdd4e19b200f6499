// What is said of the server, of results on their way, and of the link.

export const PAGE = {
  // what is asked of the server, and what a person takes away
  needs_server: "This needs the page with a server.",
  unreached: "The server does not answer. Check the connection and try again.",
  server_away: "The server does not answer. What you see stays. Trying again …",
  server_line: "Many people are asking: {line} requests are in line.",
  server_full: "Too many people are asking: {line} {line|request is|requests are} in line. Try again in a minute.",
  server_back: "The server answers again.",
  server_anew: "The server was restarted. Your result is being computed again.",
  server_error: "The server answered with an error ({status}). Try again in a moment.",
  cut_off: "The server's answer is cut off.",
  unknown_array: "The server's answer holds an array of unknown kind, {dtype}.",
  copy: "Copy",
  copied: "Copied",
  selected: "Selected: press Ctrl+C",
  save_all: "Save the numbers as .npz, to 8 bits",
  save_loaded: "Save the loaded numbers ({held} of {all} blocks) as .npz, to 8 bits",
  npz_readme:
    "What {model} computes of {picture}. Stages and blocks count from 1 in the names of the arrays, and from 0 within them.\n" +
    "pixels: the model's input before normalisation, exact.\n" +
    "top_labels, top_probabilities: the classes that are shown, exact.\n" +
    "class_evidence, class_rest: what places, and all else, add to the scores of these classes, exact.\n" +
    "features_stageN (channels, rows, columns): in steps of 1/255 of each channel's range.\n" +
    "attention_stageN_blockM (heads, queries, keys), for {written} of {all} blocks: in steps of 1/255 of each row's largest weight. " +
    "A cls token comes first.\n" +
    "The Python code that the page offers computes all of it exactly.",
  variant_of: "a variant of {model}",
  changed_model: "{model} with parts replaced",
  own_picture: "your picture",
  own_model: "the model",
  given_model: "# model and processor: the ones that were given to show",
  link_beyond: "The link's {name} cannot be {value}: there are {least} to {most} here. The default is used.",
  link_absent: "The link's {name} cannot be {value} here. The default is used.",

  // the line over the picture
  loading_maps: "Loading the maps …",
  loading_block: "Loading this block …",
  working: "Running the model …",
  newer: "Running your latest choice …",
  gone: "The server no longer keeps this result.",
  lost: "The server no longer keeps this result. Reload the page.",
  unanswered: "The server has not answered. Reload the page.",
  kernel_silent: "The notebook's kernel does not answer: it is busy, or not running.",
  kernel_other: "The notebook shows another picture by now.",
  try_again: "Try again",
  renew: "Show it again",

  // the link
  link_copied: "Copied. The link opens this model, picture, view and architecture.",
  link_copied_own: "Copied. Your own picture is not in the link: whoever opens it sees an example.",
  link_refused: "Copy it from the address bar.",
  link_refused_own: "Copy it from the address bar. Your own picture is not in it.",
  no_tab: "This page has no tab “{tab}”; the first one is shown.",
};
