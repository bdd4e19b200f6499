// One stage of an architecture, drawn to scale: its grids over the picture, its blocks as bars.

import { svg } from "../shared/dom.js";
import { sides } from "../words/format.js";
import { phrase } from "../words/phrase.js";
import { blocks, fieldBox, keyCells, lines } from "./scale.js";

const SIDE = 100; // the picture's side in drawing units

const box = ({ x, y, width, height }) =>
  `M${x.toFixed(2)} ${y.toFixed(2)}h${width.toFixed(2)}v${height.toFixed(2)}h${(-width).toFixed(2)}z`;

/** The stage's grid on the picture: query cells outlined, key cells filled, one token's receptive field dashed. */
export function grid(stage, pixels, label) {
  const { rows, columns } = lines(stage.query, pixels, SIDE);
  const queries = [...rows.map((y) => `M0 ${y.toFixed(2)}h${SIDE}`), ...columns.map((x) => `M${x.toFixed(2)} 0v${SIDE}`)].join("");
  const cells = (keyCells(stage.key, pixels, SIDE) ?? [{ x: 0, y: 0, width: SIDE, height: SIDE }]).map(box).join("");
  const field = fieldBox(stage.query, stage.field, pixels, SIDE);
  const words = phrase("grid_spoken", {
    side: label,
    tokens: sides(stage.query.shape),
    keys: sides(stage.key.shape),
    field: sides(stage.field),
    pixels: sides([pixels, pixels]),
  });
  return svg(
    "svg",
    { viewBox: `-1 -1 ${SIDE + 2} ${SIDE + 2}`, class: "cvt-lab-grid", role: "img", "aria-label": words },
    svg("path", { class: "cvt-lab-keys", d: cells }),
    svg("path", { class: "cvt-lab-queries", d: `${queries}M0 0h${SIDE}v${SIDE}h-${SIDE}z` }),
    svg("path", { class: "cvt-lab-halo", d: box(field) }),
    svg("path", { class: "cvt-lab-field", d: box(field) }),
  );
}

/** A stage's blocks, to the same scale as the other stages. `room` is the width and height. */
export function stack(stage, scale, room, label) {
  const drawn = blocks(stage, scale);
  const attention = drawn
    .flatMap((each) => each.attention)
    .map(box)
    .join("");
  const mlp = drawn.map((each) => box(each.mlp)).join("");
  const { depth, width, heads, mlp: wide } = stage;
  const words = phrase("stack_spoken", { side: label, depth, width, heads, mlp: wide });
  return svg(
    "svg",
    { viewBox: `0 0 ${room.width} ${room.height}`, class: "cvt-lab-stack", role: "img", "aria-label": words },
    svg("path", { class: "cvt-lab-attention", d: attention }),
    svg("path", { class: "cvt-lab-mlp", d: mlp }),
  );
}
