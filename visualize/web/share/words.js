// The words of the page's link.

/** What is said when the link was copied, or could not be; of one's own picture or of an example. */
export const COPIED = {
  copied: {
    example: "Copied. The link opens this model, picture, view and architecture.",
    own: "Copied. Your own picture is not in the link: whoever opens it sees an example.",
  },
  refused: {
    example: "Copy it from the address bar.",
    own: "Copy it from the address bar. Your own picture is not in it.",
  },
};

/** Where a link names a tab that the page does not have. */
export const noTab = (name) => `This page has no tab “${name}”. You see the first one.`;
