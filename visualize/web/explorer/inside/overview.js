// Why a convolution and a linear layer: a window on one sheet of channels, then a needle through all sheets at one place.

import { make } from "../../shared/dom.js";
import { drawMap, fitAll } from "../../shared/draw.js";
import { cellBox } from "../../shared/geometry.js";
import { patch } from "../../shared/tree.js";
import { extentOf } from "./colours.js";

const SHEETS = 5; // drawn of all channels

/** A stack of sheets, the front one last: { element, sheets: [{ canvas, marks }] }. */
function stack(count) {
  const sheets = Array.from({ length: count }, (_, index) => {
    const canvas = make("canvas");
    const marks = make("div", { class: "cvt-marks" });
    return { canvas, marks, element: make("div", { class: "cvt-sheet", style: `--back:${count - 1 - index}` }, canvas, marks) };
  });
  const element = make("div", { class: "cvt-stack", style: `--sheets:${count - 1}` }, ...sheets.map((each) => each.element));
  return { element, sheets };
}

export function overview(root) {
  const stacks = [stack(SHEETS), stack(SHEETS), stack(1)];
  const captions = stacks.map(() => make("figcaption"));
  const verbs = [make("p", { class: "cvt-verb" }), make("p", { class: "cvt-verb" })];
  const figures = stacks.map((each, index) => make("figure", { "aria-hidden": "true" }, each.element, captions[index]));
  root.replaceChildren(figures[0], verbs[0], figures[1], verbs[1], figures[2]);
  let drawn = "";

  function sheetsOf(found) {
    const { inside, projection, channel, channels, output } = found;
    const back = (index) => (channel + SHEETS - 1 - index) % channels; // the chosen channel is in front
    return [
      (index) => inside.channel(back(index)),
      (index) => inside.all(projection)[back(index)],
      () => inside.projected(projection, output),
    ];
  }

  /**
   * `shown`: what to draw, in which frame, and the texts, of words/inside.js's overviewWords.
   * @param {{ found: import("./view.js").Look, frame: import("./timeline.js").Frame, result: any, stage: any, room: number,
   *   smooth: boolean, words: any }} shown
   */
  function draw({ found, frame, result, stage, room, smooth, words }) {
    const { projection, kind } = found;
    const canvases = stacks.flatMap((each) => each.sheets.map((sheet) => sheet.canvas));
    const id = [result.key, found.stage, found.block, projection, found.channel, found.output, room, smooth].join(" ");
    const grids = [stage.query, found.grid, found.grid];
    if (id !== drawn) {
      drawn = id;
      root.style.setProperty("--aspect", String(result.aspect));
      fitAll(canvases, result.aspect);
      sheetsOf(found).forEach((values, at) =>
        stacks[at].sheets.forEach(({ canvas }, index) => {
          const map = values(index);
          const extent = extentOf(map);
          drawMap(canvas, { grid: grids[at], values: map, low: -extent, high: extent, colours: "diverging" }, result.input, { smooth });
        }),
      );
    }
    const active = ["window", "norm"].includes(frame.scene) ? 0 : frame.scene === "linear" ? 1 : 2;
    patch(verbs[0], words.before);
    patch(verbs[1], words.linear);
    verbs.forEach((each, index) => each.toggleAttribute("data-now", index === active));
    words.captions.forEach((text, index) => patch(captions[index], [text]));
    for (const each of [figures[0], verbs[0]]) each.hidden = kind === "none"; // tokens are read as they are
    mark(found, frame, result.input, stage.query);
  }

  /** The window on the front sheet, the same place on every sheet of the second stack, and the one number. */
  function mark({ kind, cell, settings, grid }, frame, input, tokens) {
    const { side, stride, padding } = settings;
    const corner = cell && { row: cell.row * stride - padding, column: (frame.column ?? cell.column) * stride - padding };
    const needle = cell && ["b", { style: middle(box(grid, cell, input)) }];
    const each = (index, trees) =>
      stacks[index].sheets.forEach(({ marks }, at) => patch(marks, trees(at === stacks[index].sheets.length - 1)));
    each(0, (front) => (front && corner && kind !== "none" ? [outlined(box(tokens, corner, input, side), "cvt-sliding")] : []));
    each(1, (front) => (cell ? [outlined(box(grid, cell, input)), front && needle] : []));
    each(2, () => (cell ? [outlined(box(grid, cell, input))] : []));
  }

  return { draw };
}

/** A cell's place on a sheet, or that of `side` × `side` cells from it, in percent. */
function box(grid, cell, [rows, columns], side = 1) {
  const { top, left, height, width } = cellBox(grid, cell);
  return {
    top: (top / rows) * 100,
    left: (left / columns) * 100,
    height: ((height * side) / rows) * 100,
    width: ((width * side) / columns) * 100,
  };
}

const outlined = ({ top, left, height, width }, extra = "") => [
  "i",
  { class: extra, style: `top:${top}%;left:${left}%;width:${width}%;height:${height}%` },
];

const middle = ({ top, left, height, width }) => `top:${top + height / 2}%;left:${left + width / 2}%`;
