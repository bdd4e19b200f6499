// The microscope: one block's projection at the token under the pointer, step by step, with its arithmetic.

import { row, statistics } from "./attention.js";
import { figure, make, say } from "../shared/dom.js";
import { drawMap, fit, outline } from "../shared/draw.js";
import { range } from "./features.js";
import { cellAt, cellBox, cellOf } from "../shared/geometry.js";
import { Inside, PROJECTIONS } from "./inside.js";
import { held } from "./result.js";
import { channelOf, queryOf } from "./views.js";
import { number, percent, precise, sides } from "../shared/format.js";
import { place } from "./words.js";

/** Connects the panel's elements; shown only where the source has insides. */
export function insidePanel(explorer, ref, signal) {
  const steps = ["tokens", "convolved", "projected"].map(() => figure(""));
  const kernel = make("table", { class: "cvt-kernel" });
  const kernelName = make("p", { class: "cvt-sub" });
  const [before, convolved, projected] = steps;
  const arrow = () => make("span", { class: "cvt-arrow", "aria-hidden": "true", text: "→" });
  ref.insideSteps.replaceChildren(before.element, arrow(), make("div", {}, kernel, kernelName), arrow(), convolved.element, arrow(), projected.element);
  const lengths = ["Tokens before", "Attention adds", "MLP adds"].map((name) => figure(name));
  ref.insideLengths.replaceChildren(...lengths.map((each) => each.element));
  ref.insidePart.addEventListener("toggle", () => explorer.invalidate(), { signal });

  /** The chosen block's inside, null while it is fetched, or the error that prevented it. */
  function opened() {
    const { result, state } = explorer;
    result.insides ??= new Map();
    const id = `${state.stage}/${state.blocks[state.stage]}`;
    if (!result.insides.has(id)) {
      result.insides.set(id, null);
      result.source.inside(result.key, state.stage, state.blocks[state.stage])
        .then((buffer) => result.insides.set(id, new Inside(held(buffer))))
        .catch((error) => {
          result.insides.set(id, error);
          if (explorer.result === result) explorer.notice.trouble(error, () => (result.insides.delete(id), explorer.notice.say(""), explorer.invalidate()));
        })
        .finally(() => explorer.invalidate());
    }
    return result.insides.get(id);
  }

  function draw() {
    const { state, result } = explorer;
    ref.insidePart.hidden = !explorer.host.source.inside || state.part !== "stage";
    say(ref.insideTitle, `Inside block ${state.blocks[state.stage] + 1} of stage ${state.stage + 1}: why a convolution and a linear layer?`);
    if (ref.insidePart.hidden || !ref.insidePart.open) return;
    const inside = opened();
    ref.insideBody.hidden = !(inside instanceof Inside);
    if (inside instanceof Error) return say(ref.insideWords, inside.message);
    if (!inside) return say(ref.insideWords, "Loading this block's numbers …");
    const stage = result.stages[state.stage];
    const name = PROJECTIONS.includes(state.projection) ? state.projection : "query";
    const channel = channelOf(result, state, state.stage);
    const output = Math.min(inside.channels - 1, Math.max(0, (Number(state.output) || 1) - 1));
    ref.output.max = inside.channels;
    const grid = name === "query" ? stage.query : stage.key;
    const cell = cellAt(grid, state.y, state.x);
    for (const each of [...steps, ...lengths]) if (!each.canvas.width || each.canvas.dataset.at !== `${each.canvas.clientWidth}`) {
      fit(each.canvas, result.aspect);
      each.canvas.dataset.at = each.canvas.clientWidth;
    }
    show(before, inside.channel(channel), stage.query, cellAt(stage.query, state.y, state.x), `Channel ${channel + 1} of the tokens`);
    const convolves = inside.convolves(name);
    for (const each of [kernel, kernelName, convolved.element]) each.hidden = !convolves;
    if (convolves) {
      const step = inside.step(name, channel, cell.row, cell.column);
      drawKernel(step, inside.settings(name));
      say(kernelName, `Its kernel, stride ${inside.settings(name).stride}`);
      show(convolved, inside.all(name)[channel], grid, cell, "After convolution and BatchNorm");
      say(ref.insideSum, convolutionSum(step, cell));
    } else say(ref.insideSum, "This model projects without a convolution: the linear layer reads the tokens themselves.");
    show(projected, inside.projected(name, output), grid, cell, `${capital(name)} channel ${output + 1}, after the linear layer`);
    say(ref.insideTerms, linearSum(inside.terms(name, output, cell.index), name, output));
    say(ref.insideScore, scoreWords(inside));
    say(ref.insideWords, words(inside.channels, inside.settings(name), convolves, name));
    drawLengths(inside, stage.query, cellAt(stage.query, state.y, state.x));
    drawNorms(inside.norms(state.stage), state.blocks[state.stage]);
  }

  /** Three maps in the same colours, from zero to the largest of them. */
  function drawLengths(inside, grid, cell) {
    const { result, state } = explorer;
    const all = inside.lengths();
    const most = Math.max(...all.map((each) => range(each)[1]));
    all.forEach((values, index) => {
      const { canvas, name, value } = lengths[index];
      drawMap(canvas, { grid, values, low: 0, high: most, colours: state.colours }, result.input, { smooth: state.smooth });
      outline(canvas, cellBox(grid, cell), result.input, { weight: 1 });
      say(value, `here ${number(values[cell.index])}`);
      canvas.setAttribute("aria-label", `${name.textContent}: ${value.textContent}`);
    });
    const [before, attention, mlp] = all.map((each) => number(each[cell.index]));
    say(ref.insideAdds, `The token at ${place(cell)} is a vector of length ${before}. Attention adds one of ${attention}, then the MLP one of ${mlp}. Colours run from 0 to ${number(most)}.`);
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
    return `Head ${head + 1}, its strongest key place, ${place(cellOf(stage.key, strongest))}: query · key = ${precise(together)}. ` +
      `Scaled by ${precise(scale)}, one over the root of the width: ${precise(score)}. ` +
      `Softmax over all ${weights.length} keys makes it ${percent(places[strongest])}; the row's entropy is ${statistics(weights).entropy.toFixed(1)} bit.`;
  }

  function show(one, values, grid, cell, name) {
    const [low, high] = range(values);
    const extent = Math.max(Math.abs(low), Math.abs(high)) || 1;
    const { result, state } = explorer;
    drawMap(one.canvas, { grid, values, low: -extent, high: extent, colours: "diverging" }, result.input, { smooth: state.smooth });
    outline(one.canvas, cellBox(grid, cell), result.input, { weight: 1 });
    say(one.name, name);
    say(one.size, sides(grid.shape));
    say(one.value, `${number(low)} … ${number(high)}`);
    one.canvas.setAttribute("aria-label", `${name}, ${sides(grid.shape)}, ${one.value.textContent}`);
  }

  function drawKernel({ kernel: weights }, { side }) {
    const most = Math.max(...weights.map(Math.abs)) || 1;
    const rows = Array.from({ length: side }, (_, row) => make("tr", {}, ...weights.slice(row * side, (row + 1) * side).map((weight) => {
      const share = Math.round((Math.abs(weight) / most) * 55); // pale enough for the number to be read
      const colour = weight < 0 ? "#4393c3" : "#d6604d";
      return make("td", { text: number(weight), style: `background:color-mix(in srgb, ${colour} ${share}%, transparent)` });
    })));
    kernel.replaceChildren(...rows);
  }

  function drawNorms(norms, chosen) {
    const most = Math.max(...norms.flat());
    ref.insideNorms.replaceChildren(...norms.map((each, block) =>
      make("tr", block === chosen ? { "aria-current": "true" } : {}, make("th", { scope: "row", text: `Block ${block + 1}` }), ...each.map((length) =>
        make("td", {}, make("i", { style: `--share:${length / most}` }), make("span", { text: number(length) }))))));
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

const capital = (word) => word[0].toUpperCase() + word.slice(1);

const product = (a, b) => `${precise(a)}·${b < 0 ? `(${precise(b)})` : precise(b)}`;

/** Products as a sum, a minus in front of the one that begins with it. */
const sumOf = (products) => products.join(" + ").replaceAll("+ −", "− ");

const signed = (value) => (value < 0 ? `− ${precise(-value)}` : `+ ${precise(value)}`);

function convolutionSum({ patch, kernel, sum, scale, shift, value }, cell) {
  return `At ${place(cell)}: ${sumOf(patch.map((each, index) => product(each, kernel[index])))} = ${precise(sum)}. BatchNorm: ${product(sum, scale)} ${signed(shift)} = ${precise(value)}.`;
}

function linearSum({ largest, rest, others, bias, value }, name, output) {
  const terms = sumOf(largest.map((each) => `${product(each.weight, each.value)} (channel ${each.channel + 1})`));
  return `${capital(name)} channel ${output + 1} = ${terms} ${signed(rest)} (the other ${others}) ${signed(bias)} (bias) = ${precise(value)}.`;
}

function words(channels, { side, stride }, convolves, name) {
  if (!convolves) return `The linear layer mixes ${channels} channels of one place. Nothing here mixes places.`;
  const cheaper = stride > 1 ? ` Its stride of ${stride} leaves ${stride * stride} times fewer ${name === "key" ? "keys" : "values"}.` : "";
  return `The convolution mixes ${side * side} neighbours of one channel: it sees shape, and where a token lies.${cheaper} ` +
    `The linear layer mixes ${channels} channels of one place. Each does what the other cannot.`;
}
