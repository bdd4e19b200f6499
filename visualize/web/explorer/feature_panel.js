// The chosen stage's feature maps: a large one, its statistics beside it, and the wall of channels.

import { cssBar } from "../shared/colour.js";
import { figure, make, say } from "../shared/dom.js";
import { drawMap, fit, outline } from "../shared/draw.js";
import { cellBox, cellOf } from "../shared/geometry.js";
import { histogram } from "./histogram.js";
import { withStageValue } from "./state.js";
import { channelOf, classRegion, featureMap, featureWords, queryOf } from "./views.js";
import { number, percent, sides } from "../words/format.js";
import { place } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";
import { wall } from "./wall.js";

/**
 * Connects the panel's elements; `build` runs for another stage, `draw` for every change.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function featurePanel(explorer, ref, signal) {
  const large = figure("");
  ref.featureFigure.replaceChildren(large.element);
  const bar = make("i", { "aria-hidden": "true" });
  const [low, high] = [make("span"), make("span")];
  const scale = make("div", { class: "cvt-scalebar" }, low, bar, high);
  const bars = make("div", { class: "cvt-variance" });
  const chart = make("canvas", { role: "img" });
  const facts = make("p", { class: "cvt-sub" });
  ref.featureAside.replaceChildren(scale, bars, chart, facts);

  const channels = wall(explorer, ref, signal, {
    choose: (channel) => explorer.set({ ...withStageValue(explorer.state, "channels", channel), features: "channel", layer: "features" }),
    hover: (channel) => explorer.look(channel),
  });

  function build() {
    const { result, state } = explorer;
    const stage = result.stages[state.stage];
    say(ref.featuresTitle, phrase("features_title", { stage: state.stage + 1 }));
    say(ref.featuresSub, phrase("features_sub", { shape: sides(stage.query.shape), width: stage.width }));
    const components = [phrase("pca_red"), phrase("pca_green"), phrase("pca_blue")];
    bars.replaceChildren(
      ...stage.explained.map((share, index) =>
        make(
          "div",
          {},
          make("span", { text: components[index] }),
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
    say(large.name, phrase("feature_caption", { name: map.name, caption: map.caption }));
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
    if (view === "pca") say(facts, phrase("pca_facts"));
    else if (view === "similarity") say(facts, phrase("similarity_facts", { place: place(cell) }));
    else {
      const value = map.values[cell.index];
      say(facts, phrase("feature_facts", { place: place(cell), value: number(value), low: number(map.least), high: number(map.most) }));
      if (view === "channel")
        histogram(chart, result.features(state.stage), explorer.previewed ?? channelOf(result, state, state.stage), value);
    }
    channels.draw();
  }

  return { build, draw, resize };
}
