// The pictures that people bring, under the names that a server would give them. Only the newest is kept.

let [count, newest] = [0, /** @type {?Blob} */ (null)];

/** Keeps the file in a form, as the chooser sends it; the answer is that of a server. */
export function upload(form) {
  newest = form.get("files");
  return [`${++count}`];
}

/**
 * The picture of a choice: the kept file, or what the camera sees.
 * @param {string | ImageBitmap} own
 * @returns {Blob | ImageBitmap}
 */
export const taken = (own) => (typeof own === "string" ? /** @type {Blob} */ (newest) : own);
