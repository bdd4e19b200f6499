// What a block adds to its tokens, as vector norms: maps of one block, and a table of all blocks of the stage.

import { caption, figure, make, say } from "../../shared/dom.js";
import { drawMap, fitAll, outline } from "../../shared/draw.js";
import { cellAt, cellBox } from "../../shared/geometry.js";
import { range } from "../features.js";
import { number } from "../../words/format.js";
import { addsWords, lengthNames } from "../../words/inside.js";
import { phrase } from "../../words/phrase.js";

/** Fills the part below the steps, which is drawn only while it is open. */
export function adds(explorer, ref, signal) {
  const names = lengthNames();
  const lengths = names.map((name) => figure(name));
  ref.insideLengths.replaceChildren(...lengths.map((each) => each.element));
  ref.insideAddsPart.addEventListener("toggle", () => explorer.invalidate(), { signal });

  function draw(inside) {
    if (!ref.insideAddsPart.open) return;
    const { result, state } = explorer;
    const grid = result.stages[state.stage].query;
    fitAll(
      lengths.map((each) => each.canvas),
      result.aspect,
    );
    drawLengths(inside, grid, cellAt(grid, state.y, state.x));
    drawNorms(inside.norms(state.stage), state.blocks[state.stage]);
  }

  /** Three maps in the same colours, from zero to the largest of them. */
  function drawLengths(inside, grid, cell) {
    const { result, state } = explorer;
    const all = inside.lengths();
    const most = Math.max(...all.map((each) => range(each)[1]));
    all.forEach((values, index) => {
      const one = lengths[index];
      const value = phrase("here", { value: number(values[cell.index]) });
      drawMap(one.canvas, { grid, values, low: 0, high: most, colours: state.colours }, result.input, { smooth: state.smooth });
      outline(one.canvas, cellBox(grid, cell), result.input, { weight: 1 });
      caption(one, { value }, phrase("norm_spoken", { name: names[index], value }));
    });
    const here = all.map((each) => each[cell.index]);
    say(ref.insideAdds, addsWords(cell, here, most));
  }

  function drawNorms(norms, chosen) {
    const most = Math.max(...norms.flat());
    ref.insideNorms.replaceChildren(
      ...norms.map((each, block) =>
        make(
          "tr",
          block === chosen ? { "aria-current": "true" } : {},
          make("th", { scope: "row", text: phrase("block", { block: block + 1 }) }),
          ...each.map((length) => make("td", {}, make("i", { style: `--share:${length / most}` }), make("span", { text: number(length) }))),
        ),
      ),
    );
  }

  return { draw };
}
