// The numbers of a plot as a table.

import { make } from "../shared/dom.js";
import { phrase } from "../words/phrase.js";

/**
 * A table that opens below its plot, after `notes`.
 * @param {string[]} heads the columns' names
 * @param {{ name: string, cells: (string | Node)[] }[]} rows
 * @param {...Node} notes
 */
export function plotTable(heads, rows, ...notes) {
  const label = phrase("break_table");
  const columns = make("tr", {}, ...heads.map((text) => make("th", { scope: "col", text })));
  const lines = rows.map(({ name, cells }) =>
    make("tr", {}, make("th", { scope: "row", text: name }), ...cells.map((cell) => make("td", {}, cell))),
  );
  const table = make("table", {}, make("thead", {}, columns), make("tbody", {}, ...lines));
  const scrolled = make("div", { class: "cvt-plot-table", tabindex: "0", role: "region", "aria-label": label }, table);
  return make("details", {}, make("summary", { text: label }), ...notes, scrolled);
}
