// What is said of the server, of results on their way, and of the link.

export const PAGE = {
  // what is asked of the server, and what a person takes away
  unreached: "The server does not answer. Check the connection and try again.",
  server_error: "The server answered with an error ({status}). Try again in a moment.",
  cut_off: "The server's answer is cut off.",
  unknown_array: "The server's answer holds an array of unknown kind, {dtype}.",
  copy: "Copy",
  copied: "Copied",
  selected: "Selected: press Ctrl+C",
  save_all: "Save all numbers as .npz",
  save_loaded: "Save the loaded numbers ({held} of {all} blocks) as .npz",

  // the line over the picture
  loading_maps: "Loading the maps …",
  loading_block: "Loading this block …",
  working: "Running the model …",
  newer: "Running your latest choice …",
  gone: "The server no longer keeps this result.",
  lost: "The server no longer keeps this result. Choose the picture again.",
  unanswered: "The server has not answered. Choose the picture again.",
  try_again: "Try again",
  renew: "Show it again",

  // the link
  link_copied: "Copied. The link opens this model, picture, view and architecture.",
  link_copied_own: "Copied. Your own picture is not in the link: whoever opens it sees an example.",
  link_refused: "Copy it from the address bar.",
  link_refused_own: "Copy it from the address bar. Your own picture is not in it.",
  no_tab: "This page has no tab “{tab}”; the first one is shown.",
};
