// What is said on the page without a server.

export const SITE = {
  site_unreached: "A part of this page cannot be loaded. Check the connection and try again.",
  site_missing: "This site lacks {path} ({status}). Publish all of its folder.",
  site_failed: "This picture could not be used. Choose another file.",
  site_loading: "Loading the model: {size} MB, once.",
  site_cancelled: "The model is needed for this. Its loading was cancelled.",
};
