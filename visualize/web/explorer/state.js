// The choices: one plain object, changed only by the functions here. Stages, blocks and heads count from 0.

import { CHOICES } from "../choices.js";
import { cellAt, centre } from "../shared/geometry.js";

const usual = (name) => CHOICES[name].default;

/**
 * The initial choices: the middle stage, its last block, all heads, the token in the middle.
 * @typedef {ReturnType<typeof initial>} Choices
 * @param {{ depth: number }[]} stages
 * @param {number[]} input
 */
export function initial(stages, [height, width]) {
  return {
    part: "stage", // the open part: stage · embedding (of that stage) · classifier
    stage: Math.min(1, stages.length - 1),
    blocks: stages.map((stage) => stage.depth - 1),
    heads: stages.map(() => -1), // −1 is the mean over heads
    y: height / 2,
    x: width / 2,
    pinned: false,
    cls: usual("cls"), // in a stage with a cls token, that token is the query
    view: usual("view"), // token: what it attends to · received: what attends to it · mean: of all tokens
    layer: usual("layer"), // on the picture: attention · features · class · none
    which: 0, // the selected class, 0 the most probable
    features: usual("features"), // pca · mean · channel · similarity
    channels: stages.map(() => null), // null is the one that varies most
    sort: usual("sort"), // variance · peak · here (at the token) · region (of the class)
    centred: usual("centred"),
    depth: usual("depth"), // what is open beside the picture: none · attention · features · inside · drawing · export
    paint: usual("paint"), // attention on the picture: light · map
    scale: usual("scale"), // colours span one map · the stage · all stages
    colours: usual("colours"),
    smooth: usual("smooth"),
    opacity: 0.75,
    pixels: usual("pixels"), // the picture at the model's input resolution instead of its own
    ancestors: usual("ancestors"),
    projection: usual("projection"), // in the microscope: query · key · value
    output: 1, // the entry of the head's query, key or value, from 1 as it is typed
    zoom: 1,
    focus: { y: height / 2, x: width / 2 }, // the centre of the zoomed part
  };
}

/**
 * The choices carried over to another result, as far as it has them: a new picture keeps stage, block, head and the rest.
 * `before`: the stages that the choices were made for; a stage's last block stays its last block.
 */
export function carried(state, stages, input, before = stages) {
  const fresh = initial(stages, input);
  const alike = state.blocks.length === stages.length;
  const keep = (each, limit, otherwise) => (each !== undefined && each !== null && each < limit ? each : otherwise);
  return {
    ...state,
    stage: Math.min(state.stage, stages.length - 1),
    blocks: stages.map((stage, index) => {
      const last = !alike || state.blocks[index] === before[index].depth - 1;
      return last ? stage.depth - 1 : keep(state.blocks[index], stage.depth, stage.depth - 1);
    }),
    heads: stages.map((stage, index) => (alike ? keep(state.heads[index], stage.heads, -1) : -1)),
    channels: stages.map((stage, index) => (alike ? keep(state.channels[index], stage.width, null) : null)),
    y: fresh.y,
    x: fresh.x,
    pinned: false,
    which: 0,
    focus: fresh.focus,
  };
}

/** Those of the wanted choices that are of the same kind as the present ones. */
export function fitted(wanted, state) {
  const alike = (name) => {
    const [one, other] = [wanted[name], state[name]];
    if (Array.isArray(other)) return Array.isArray(one) && one.length === other.length;
    return typeof one === typeof other && (CHOICES[name]?.values && other in CHOICES[name].values ? one in CHOICES[name].values : true);
  };
  return Object.fromEntries(Object.entries(wanted ?? {}).filter(([name]) => name in state && alike(name)));
}

/** The rank of a result's class, by its label, among another's classes; −1 if it is not among them. */
export const rankOf = (which, from, to) => to.header.top.findIndex(({ label }) => label === from.header.top[which]?.label);

/** The query and the zoom in `to`, at the same place in the picture, which `from` shows too; and the same class, if `to` has it. */
export function transferred({ y, x, focus, pinned, which }, from, to) {
  const move = (at, axis) => {
    const [start, end] = [from.box[axis], from.box[axis + 2]];
    const [first, last] = [to.box[axis], to.box[axis + 2]];
    const side = to.input[1 - axis]; // the box begins with left, the input with its height
    const original = start + (at / from.input[1 - axis]) * (end - start);
    return Math.min(side, Math.max(0, ((original - first) / (last - first)) * side));
  };
  const place = (point) => ({ y: move(point.y, 1), x: move(point.x, 0) });
  return { ...place({ y, x }), focus: place(focus), pinned, which: Math.max(0, rankOf(which, from, to)) };
}

/** `state` with what the open part implies: an embedding shows one token or a feature map, the classifier the evidence. */
export function asShown(state) {
  if (state.part === "embedding") return { ...state, cls: false, layer: state.layer === "features" ? "features" : "none" };
  return state.part === "classifier" ? { ...state, layer: "class" } : state;
}

/** `state` one level up, for Escape and the breadcrumb: from a part to its stage, to the overview, from a class, from a held token. */
export function raised(state) {
  if (state.part !== "stage") return { ...state, part: "stage" };
  if (state.depth !== "none") return { ...state, depth: "none" };
  if (state.layer === "class") return { ...state, layer: "attention" };
  return { ...state, pinned: false };
}

/** The visible part of the input: around `focus`, within the edges. */
export function windowOf({ zoom, focus }, [rows, columns]) {
  const [height, width] = [rows / zoom, columns / zoom];
  const inside = (middle, part, all) => Math.min(all - part, Math.max(0, middle - part / 2));
  return { top: inside(focus.y, height, rows), left: inside(focus.x, width, columns), height, width };
}

/** `state` with a `focus` that shows the query, if it has left the window. */
export function followed(state, input) {
  const { top, left, height, width } = windowOf(state, input);
  const seen = state.y >= top && state.y <= top + height && state.x >= left && state.x <= left + width;
  return seen ? state : { ...state, focus: { y: state.y, x: state.x } };
}

/** `state` with the entry of the chosen stage in `blocks`, `heads` or `channels` replaced. */
export function withStageValue(state, name, value) {
  return { ...state, [name]: state[name].map((each, index) => (index === state.stage ? value : each)) };
}

/** `state` that shows one channel in every stage. */
export const withChannel = (state, channel) => ({ ...state, features: "channel", channels: state.channels.map(() => channel) });

/** The query moved by whole tokens of the chosen stage, from the nearest one; stops at the edge. */
export function moved(state, grid, rows, columns) {
  const { row, column } = cellAt(grid, state.y, state.x);
  const target = {
    row: Math.min(grid.shape[0] - 1, Math.max(0, row + rows)),
    column: Math.min(grid.shape[1] - 1, Math.max(0, column + columns)),
  };
  return { ...state, ...centre(grid, target), cls: false };
}
