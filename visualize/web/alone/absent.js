// What a page that was saved does not hold.

import { phrase } from "../words/phrase.js";

/** The page does not hold this; it will not hold it later either. */
export class Absent extends Error {
  /** Asking again changes nothing. */
  final = true;

  /**
   * @param {keyof typeof import("../words/phrase.js").SENTENCES} key
   * @param {Object<string, string | number>} values
   */
  constructor(key, values) {
    super(phrase(key, values));
  }
}

/** The blocks at these places, "<stage>/<block>" from 0, in words. */
export function blockWords(places) {
  if (places.length > 1) return phrase("file_inside_blocks", { count: places.length });
  const [stage, block] = places[0].split("/").map((each) => Number(each) + 1);
  return phrase("file_inside_block", { stage, block });
}
