// The feature maps of the chosen stage: one large, what is known of it beside it, and the wall of channels.

import { cssBar } from "../shared/colour.js";
import { figure, make, say } from "../shared/dom.js";
import { drawMap, fit, outline } from "../shared/draw.js";
import { cellBox, cellOf } from "../shared/geometry.js";
import { histogram } from "./histogram.js";
import { withStageValue } from "./state.js";
import { channelOf, classRegion, featureMap, featureWords, queryOf } from "./views.js";
import { number, percent, sides } from "../shared/format.js";
import { place } from "./words.js";
import { wall } from "./wall.js";

/** Connects the panel's elements; `build` follows another stage, `draw` every change. */
export function featurePanel(explorer, ref, signal) {
  const large = figure("");
  ref.featureFigure.replaceChildren(large.element);
  const bar = make("i", { "aria-hidden": "true" });
  const [low, high] = [make("span"), make("span")];
  const scale = make("div", { class: "cvt-scalebar" }, low, bar, high);
  const bars = make("div", { class: "cvt-variance" });
  const chart = make("canvas", { class: "cvt-histogram", role: "img" });
  const facts = make("p", { class: "cvt-sub" });
  ref.featureAside.replaceChildren(scale, bars, chart, facts);

  const channels = wall(explorer, ref, signal, {
    choose: (channel) => explorer.set({ ...withStageValue(explorer.state, "channels", channel), features: "channel", layer: "features" }),
    hover: (channel) => explorer.look(channel),
  });

  function build() {
    const { result, state } = explorer;
    const stage = result.stages[state.stage];
    say(ref.featuresTitle, `Feature maps of stage ${state.stage + 1}`);
    say(ref.featuresSub, `${sides(stage.query.shape)} tokens, each a vector of ${stage.width} numbers (channels).`);
    bars.replaceChildren(
      ...stage.explained.map((share, index) =>
        make(
          "div",
          {},
          make("span", { text: `${["Red", "Green", "Blue"][index]}, component ${index + 1}` }),
          make("i", { style: `--share:${share}` }),
          make("b", { text: percent(share) }),
        ),
      ),
    );
    channels.build();
    resize();
  }

  function resize() {
    fit(large.canvas, explorer.result.aspect);
    fit(chart, 3);
    channels.resize();
  }

  function draw() {
    const { result, state } = explorer;
    const stage = result.stages[state.stage];
    const map = explorer.preview ?? featureMap(result, state, state.stage);
    drawMap(large.canvas, map, result.input, { smooth: state.smooth });
    const { cell } = queryOf(stage, state);
    const region = state.sort === "region" && classRegion(result, state.which);
    if (region)
      for (const each of region.cells) outline(large.canvas, cellBox(region.grid, cellOf(region.grid, each)), result.input, { weight: 1 });
    outline(large.canvas, cellBox(stage.query, cell), result.input, { weight: 1 });
    say(large.name, `${map.name}, ${map.caption}`);
    large.canvas.setAttribute("aria-label", featureWords(result, state, state.stage));
    const view = explorer.preview ? "channel" : state.features;
    scale.hidden = view === "pca";
    bars.hidden = view !== "pca";
    chart.hidden = view !== "channel";
    ref.centredPart.hidden = state.features !== "similarity";
    if (map.values) {
      bar.style.background = cssBar(map.colours);
      say(low, number(map.low));
      say(high, number(map.high));
    }
    if (view === "pca") say(facts, "Axes and signs of components are arbitrary: compare shapes, not hues, between pictures and stages.");
    else if (view === "similarity")
      say(facts, `Cosine of the angle between each token's vector and the one at ${place(cell)}. 1 is the same direction.`);
    else {
      const value = map.values[cell.index];
      say(facts, `At ${place(cell)}: ${number(value)}. Range ${number(map.least)} … ${number(map.most)}.`);
      if (view === "channel")
        histogram(chart, result.features(state.stage), explorer.previewed ?? channelOf(result, state, state.stage), value);
    }
    channels.draw();
  }

  return { build, draw, resize };
}
