// The microscope: one block's projection at the token under the pointer, step by step, with its arithmetic.

import { row, statistics } from "./attention.js";
import { caption, figure, make, say } from "../shared/dom.js";
import { drawMap, fit, outline } from "../shared/draw.js";
import { range } from "./features.js";
import { cellAt, cellBox, cellOf } from "../shared/geometry.js";
import { Inside } from "./inside.js";
import { held } from "./result.js";
import { channelOf, queryOf } from "./views.js";
import { number, sides } from "../words/format.js";
import { addsWords, convolutionSum, lengthNames, linearSum, projectedWords, scoreSum, whyWords } from "../words/inside.js";
import { phrase } from "../words/phrase.js";
import { rangeWords } from "../words/explorer.js";

/**
 * Connects the panel's elements; shown only where the source has insides.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function insidePanel(explorer, ref, signal) {
  const steps = ["tokens", "convolved", "projected"].map(() => figure(""));
  const kernel = make("table", { class: "cvt-kernel" });
  const kernelName = make("p", { class: "cvt-sub" });
  const [before, convolved, projected] = steps;
  const arrow = () => make("span", { class: "cvt-arrow", "aria-hidden": "true", text: "→" });
  ref.insideSteps.replaceChildren(
    before.element,
    arrow(),
    make("div", {}, kernel, kernelName),
    arrow(),
    convolved.element,
    arrow(),
    projected.element,
  );
  const names = lengthNames();
  const lengths = names.map((name) => figure(name));
  ref.insideLengths.replaceChildren(...lengths.map((each) => each.element));
  ref.insidePart.addEventListener("toggle", () => explorer.invalidate(), { signal });

  /** The chosen block's inside, null while it is fetched, or the error that prevented it. */
  function opened() {
    const { result, state } = explorer;
    const id = `${state.stage}/${state.blocks[state.stage]}`;
    if (!result.insides.has(id)) {
      result.insides.set(id, null);
      Promise.resolve(result.source?.inside?.(result.key, state.stage, state.blocks[state.stage]))
        .then((buffer) => result.insides.set(id, new Inside(held(buffer))))
        .catch((error) => {
          result.insides.set(id, error);
          if (explorer.result === result)
            explorer.notice.trouble(error, () => (result.insides.delete(id), explorer.notice.say(""), explorer.invalidate()));
        })
        .finally(() => explorer.invalidate());
    }
    return result.insides.get(id);
  }

  function draw() {
    const { state, result } = explorer;
    ref.insidePart.hidden = !explorer.host.source.inside || state.part !== "stage";
    say(ref.insideTitle, phrase("inside_title", { block: state.blocks[state.stage] + 1, stage: state.stage + 1 }));
    if (ref.insidePart.hidden || !ref.insidePart.open) return;
    const inside = opened();
    ref.insideBody.hidden = !(inside instanceof Inside);
    if (inside instanceof Error) return say(ref.insideWords, inside.message);
    if (!inside) return say(ref.insideWords, phrase("inside_loading"));
    const stage = result.stages[state.stage];
    const name = state.projection;
    const channel = channelOf(result, state, state.stage);
    const output = Math.min(inside.channels - 1, Math.max(0, (Number(state.output) || 1) - 1));
    ref.output.max = inside.channels;
    const grid = name === "query" ? stage.query : stage.key;
    const cell = cellAt(grid, state.y, state.x);
    for (const each of [...steps, ...lengths])
      if (!each.canvas.width || each.canvas.dataset.at !== `${each.canvas.clientWidth}`) {
        fit(each.canvas, result.aspect);
        each.canvas.dataset.at = each.canvas.clientWidth;
      }
    show(
      before,
      inside.channel(channel),
      stage.query,
      cellAt(stage.query, state.y, state.x),
      phrase("inside_tokens", { channel: channel + 1 }),
    );
    const convolves = inside.convolves(name);
    for (const each of [kernel, kernelName, convolved.element]) each.hidden = !convolves;
    if (convolves) {
      const step = inside.step(name, channel, cell.row, cell.column);
      drawKernel(step, inside.settings(name));
      say(kernelName, phrase("inside_kernel", { stride: inside.settings(name).stride }));
      show(convolved, inside.all(name)[channel], grid, cell, phrase("inside_convolved"));
      say(ref.insideSum, convolutionSum(step, cell));
    } else say(ref.insideSum, phrase("inside_plain"));
    show(projected, inside.projected(name, output), grid, cell, projectedWords(name, output));
    say(ref.insideTerms, linearSum(inside.terms(name, output, cell.index), name, output));
    say(ref.insideScore, scoreWords(inside));
    say(ref.insideWords, whyWords(inside.channels, inside.settings(name), convolves, name));
    drawLengths(inside, stage.query, cellAt(stage.query, state.y, state.x));
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
    say(
      ref.insideAdds,
      addsWords(
        cell,
        all.map((each) => each[cell.index]),
        most,
      ),
    );
  }

  /** From query and key to one weight: that of the strongest key place, in the chosen head or the first. */
  function scoreWords(inside) {
    const { result, state } = explorer;
    const stage = result.stages[state.stage];
    const block = result.block(state.stage, state.blocks[state.stage]);
    const { cell, cls } = queryOf(stage, state);
    if (!block || cls) return "";
    const head = Math.max(0, state.heads[state.stage]);
    const extra = stage.cls ? 1 : 0;
    const weights = row(block, head, cell.index + extra);
    const places = weights.subarray(extra);
    const strongest = places.indexOf(Math.max(...places));
    const { product: together, scale, score } = inside.score(head, stage.heads, cell.index, strongest);
    const found = { head, cell: cellOf(stage.key, strongest), product: together, scale, score };
    return scoreSum({ ...found, keys: weights.length, weight: places[strongest], entropy: statistics(weights).entropy });
  }

  function show(one, values, grid, cell, name) {
    const [low, high] = range(values);
    const extent = Math.max(Math.abs(low), Math.abs(high)) || 1;
    const { result, state } = explorer;
    drawMap(one.canvas, { grid, values, low: -extent, high: extent, colours: "diverging" }, result.input, { smooth: state.smooth });
    outline(one.canvas, cellBox(grid, cell), result.input, { weight: 1 });
    const words = { name, size: sides(grid.shape), value: rangeWords(low, high) };
    caption(one, words, phrase("inside_spoken", words));
  }

  function drawKernel({ kernel: weights }, { side }) {
    const most = Math.max(...weights.map(Math.abs)) || 1;
    const rows = Array.from({ length: side }, (_, row) =>
      make(
        "tr",
        {},
        ...weights.slice(row * side, (row + 1) * side).map((weight) => {
          const share = Math.round((Math.abs(weight) / most) * 55); // pale enough for the number to be read
          const colour = weight < 0 ? "#4393c3" : "#d6604d";
          return make("td", { text: number(weight), style: `background:color-mix(in srgb, ${colour} ${share}%, transparent)` });
        }),
      ),
    );
    kernel.replaceChildren(...rows);
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

  /** Closes the panel; true if it was open. */
  function close() {
    const was = ref.insidePart.open && !ref.insidePart.hidden;
    ref.insidePart.open = false;
    if (was && ref.insidePart.contains(document.activeElement)) ref.insideTitle.focus();
    return was;
  }

  return { draw, close };
}
