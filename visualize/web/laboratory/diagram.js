// One stage of an architecture, drawn to scale: its grids over the picture, its blocks as bars.

import { sides } from "../shared/format.js";
import { blocks, fieldBox, keyCells, lines } from "./scale.js";

const SIDE = 100; // units of the picture's side

/** An SVG element; attributes as they are. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

const box = ({ x, y, width, height }) =>
  `M${x.toFixed(2)} ${y.toFixed(2)}h${width.toFixed(2)}v${height.toFixed(2)}h${(-width).toFixed(2)}z`;

/** The picture as the stage divides it: query cells outlined, key cells filled, and dashed how far one token sees. */
export function grid(stage, pixels, label) {
  const { rows, columns } = lines(stage.query, pixels, SIDE);
  const queries = [...rows.map((y) => `M0 ${y.toFixed(2)}h${SIDE}`), ...columns.map((x) => `M${x.toFixed(2)} 0v${SIDE}`)].join("");
  const cells = (keyCells(stage.key, pixels, SIDE) ?? [{ x: 0, y: 0, width: SIDE, height: SIDE }]).map(box).join("");
  const field = fieldBox(stage.query, stage.field, pixels, SIDE);
  const words = `${label}: ${sides(stage.query.shape)} tokens, ${sides(stage.key.shape)} keys; a token sees ${sides(stage.field)} of ${pixels}×${pixels} pixels`;
  return svg(
    "svg",
    { viewBox: `-1 -1 ${SIDE + 2} ${SIDE + 2}`, class: "cvt-lab-grid", role: "img", "aria-label": words },
    svg("path", { class: "cvt-lab-keys", d: cells }),
    svg("path", { class: "cvt-lab-queries", d: `${queries}M0 0h${SIDE}v${SIDE}h-${SIDE}z` }),
    svg("path", { class: "cvt-lab-halo", d: box(field) }),
    svg("path", { class: "cvt-lab-field", d: box(field) }),
  );
}

/** The blocks of a stage, in the scale of everything beside it. `room` is its width and height. */
export function stack(stage, scale, room, label) {
  const drawn = blocks(stage, scale);
  const attention = drawn
    .flatMap((each) => each.attention)
    .map(box)
    .join("");
  const mlp = drawn.map((each) => box(each.mlp)).join("");
  const words = `${label}: ${stage.depth} × attention of width ${stage.width} in ${stage.heads} heads, then an MLP ${stage.mlp} wide`;
  return svg(
    "svg",
    { viewBox: `0 0 ${room.width} ${room.height}`, class: "cvt-lab-stack", role: "img", "aria-label": words },
    svg("path", { class: "cvt-lab-attention", d: attention }),
    svg("path", { class: "cvt-lab-mlp", d: mlp }),
  );
}
