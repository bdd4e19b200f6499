// The measures as tables: of one picture, and over the examples.

import { make } from "../../shared/dom.js";
import { phrase } from "../../words/phrase.js";
import { beatsWords, measureWords, methodName, spreadWords } from "../../words/trial.js";
import { RANDOM } from "./values.js";

const MEASURES = ["deletion", "insertion", "agreement", "survives"];
const HEADS = { deletion: "trial_deletion", insertion: "trial_insertion", agreement: "trial_agreement", survives: "trial_survives" };

/** A table of rows: { name, cells, beats, random }. */
function table(caption, rows) {
  const heads = [phrase("trial_method"), ...MEASURES.map((each) => phrase(HEADS[each])), phrase("trial_beats")];
  const body = rows.map(({ method, name, cells, beats }) =>
    make(
      "tr",
      { "data-method": method, "data-beats": String(beats) },
      make("th", { scope: "row", text: name }),
      ...cells.map((text) => make("td", { text })),
      make("td", { text: beats }),
    ),
  );
  const head = make("thead", {}, make("tr", {}, ...heads.map((text) => make("th", { scope: "col", text }))));
  const made = make("table", { class: "cvt-trial-table" }, make("caption", { text: caption }), head, make("tbody", {}, ...body));
  return make("div", { class: "cvt-trial-scroll", tabindex: "0", role: "region", "aria-label": caption }, made);
}

/**
 * @param {string} caption
 * @param {import("./values.js").Row[]} rows
 */
export function ofPicture(caption, rows) {
  const cells = (row) =>
    [row.deletion_area, row.insertion_area, row.agreement, row.survives].map((value, at) => measureWords(value, at < 2));
  return table(
    caption,
    rows.map((row) => ({
      method: row.method,
      name: methodName(row),
      cells: cells(row),
      beats: beatsWords(row.method === RANDOM, row.beats),
    })),
  );
}

/** The server's answer over the examples; the best first. */
export function overExamples(caption, { rows }, stage) {
  const lead = (row) => row.lead?.mean ?? 0;
  return table(
    caption,
    [...rows]
      .sort((one, two) => lead(two) - lead(one))
      .map((row) => ({
        method: row.method,
        name: methodName({ ...row, stage }),
        cells: MEASURES.map((name, at) => spreadWords(row[name], at < 2)),
        beats: beatsWords(row.method === RANDOM, row.beats),
      })),
  );
}
