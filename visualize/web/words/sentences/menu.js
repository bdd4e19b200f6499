// What is said of the models that can be chosen.

export const MENU = {
  model_download: "{title} · {size} to download",
  model_absent: "{title} · to download",
  model_failed: "{title} · not available",
  model_downloading: "Downloading {title} …",
  model_loading: "Loading {title} …",
  model_share: "{percent}\u202f%",
};
