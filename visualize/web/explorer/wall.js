// All channels of a stage on one canvas: sorted, hovered, chosen by pointer or arrow keys.

import { penOf } from "../shared/draw.js";
import { make, say } from "../shared/dom.js";
import { table } from "../shared/colour.js";
import { cellAt } from "../shared/geometry.js";
import { channelOf, classRegion, tokensInRegion } from "./views.js";
import { regionWords } from "../words/explorer.js";
import { phrase } from "../words/phrase.js";

const TILE = 46; // CSS px, the least width of a channel's picture
const GAP = 4;
const FEW = 36; // channels shown before "more"

/**
 * Connects the wall; `actions`: choose(channel), hover(channel or null).
 * @param {import("./explorer.js").Explorer} explorer
 */
export function wall(explorer, ref, signal, actions) {
  const { wall: canvas, more } = ref;
  let order = [];
  let layout = { columns: 1, width: TILE, height: TILE };
  let active = null; // the channel under the pointer
  let all = false;
  let sorted = ""; // by what the order is
  let painted = "";

  const ratio = () => Math.min(2, window.devicePixelRatio || 1);
  const count = () => (all ? order.length : Math.min(FEW, order.length));

  const channelAt = (event) => {
    const box = canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / (layout.width + GAP));
    const row = Math.floor((event.clientY - box.top) / (layout.height + GAP));
    const index = row * layout.columns + column;
    return column < layout.columns && index < count() ? order[index] : null;
  };
  const hear = (type, listener) => canvas.addEventListener(type, (event) => explorer.result && listener(event), { signal });
  hear("pointermove", (event) => look(channelAt(event)));
  hear("pointerleave", () => look(null));
  hear("click", (event) => {
    const channel = channelAt(event);
    if (channel !== null) actions.choose(channel);
  });
  hear("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -layout.columns, ArrowDown: layout.columns }[event.key];
    if (!step) return;
    event.preventDefault();
    const from = order.indexOf(channelOf(explorer.result, explorer.state, explorer.state.stage));
    actions.choose(order[Math.min(count() - 1, Math.max(0, from + step))]);
  });
  more.addEventListener(
    "click",
    () => {
      all = !all;
      build();
      resize();
      explorer.invalidate();
    },
    { signal },
  );

  function look(channel) {
    if (channel === active) return;
    active = channel;
    actions.hover(channel);
  }

  function build() {
    const { result, state } = explorer;
    const features = result.features(state.stage);
    const token = cellAt(result.stages[state.stage].query, state.y, state.x).index;
    const region = classRegion(result, state.which);
    ref["sort:region"].hidden = ref["sort:region"].disabled = !region;
    const sort = state.sort === "region" && !region ? "variance" : state.sort;
    order = features.order(sort, token, sort === "region" && tokensInRegion(result, state.stage, state.which));
    ref.wallNote.hidden = sort !== "region";
    if (region && sort === "region") say(ref.wallNote, regionWords(region, result.header.top[state.which].label));
    [sorted, painted] = [sorting(), ""];
    more.hidden = order.length <= FEW;
    say(more, all ? phrase("wall_fewer", { shown: FEW }) : phrase("wall_more", { count: order.length }));
    more.setAttribute("aria-expanded", all);
    say(ref.wallTitle, phrase("wall_title", { shown: count(), count: order.length }));
  }

  function resize() {
    const width = canvas.parentElement.clientWidth;
    if (!width || !order.length) return;
    const columns = Math.max(1, Math.floor((width + GAP) / (TILE + GAP)));
    const side = (width + GAP) / columns - GAP;
    layout = { columns, width: side, height: side / explorer.result.aspect };
    const tall = Math.ceil(count() / columns) * (layout.height + GAP) - GAP;
    canvas.style.height = `${tall}px`;
    [canvas.width, canvas.height] = [Math.round(width * ratio()), Math.round(tall * ratio())];
    painted = "";
  }

  /** The sort key of the current order. */
  function sorting() {
    const { result, state } = explorer;
    const by = { here: () => cellAt(result.stages[state.stage].query, state.y, state.x).index, region: () => state.which }[state.sort];
    return `${state.stage} ${state.sort} ${by?.() ?? ""}`;
  }

  function draw() {
    const { result, state } = explorer;
    if (sorting() !== sorted) build();
    const chosen = channelOf(result, state, state.stage);
    const wanted = `${chosen} ${active} ${state.scale} ${all} ${canvas.width}`;
    if (wanted === painted) return;
    paint(result.features(state.stage), state, chosen);
    painted = wanted;
    canvas.setAttribute("aria-label", phrase("wall_spoken", { count: order.length, channel: chosen + 1 }));
  }

  function paint(features, state, chosen) {
    const context = penOf(canvas);
    const colours = table("diverging");
    const scratch = make("canvas");
    [scratch.width, scratch.height] = [features.columns, features.rows];
    const pen = penOf(scratch);
    const image = pen.createImageData(features.columns, features.rows);
    const packed = new Uint32Array(image.data.buffer);
    const style = getComputedStyle(canvas);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingEnabled = false;
    const scale = ratio();
    for (let index = 0; index < count(); index++) {
      const channel = order[index];
      const extent = state.scale === "map" ? features.extent(channel) : features.extent();
      const low = features.lo[channel];
      const step = (features.hi[channel] - low) / 255;
      const start = channel * features.tokens;
      for (let token = 0; token < features.tokens; token++) {
        packed[token] = colours[Math.min(255, (((low + step * features.values[start + token]) / extent + 1) * 128) | 0)];
      }
      pen.putImageData(image, 0, 0);
      const left = (index % layout.columns) * (layout.width + GAP) * scale;
      const top = Math.floor(index / layout.columns) * (layout.height + GAP) * scale;
      const [width, height] = [layout.width * scale, layout.height * scale];
      context.drawImage(scratch, left, top, width, height);
      if (channel === chosen || channel === active) {
        context.lineWidth = 3 * scale;
        context.strokeStyle = style.getPropertyValue(channel === chosen ? "--cvt-accent" : "--cvt-text");
        context.strokeRect(left + 1.5 * scale, top + 1.5 * scale, width - 3 * scale, height - 3 * scale);
      }
    }
  }

  return { build, resize, draw };
}
