// Where the parts of the drawing lie, in its own units. No DOM here.

/** The scale of all drawings beside each other: the widest bar is `width` long, the deepest stage `height` tall. */
export function scaleOf(architectures, width, height) {
  const stages = architectures.flatMap((each) => each.stages);
  const widest = Math.max(1, ...stages.map((each) => Math.max(each.width, each.mlp)));
  const deepest = Math.max(1, ...stages.map((each) => each.depth));
  return { length: width / widest, block: Math.min(12, height / deepest), widest, deepest };
}

/**
 * The blocks of a stage as bars: an attention bar as long as a token is wide, cut into its heads, and an MLP bar as long as
 * its hidden layer, block under block. [{ attention: [{ x, y, width, height }], mlp: { … } }].
 */
export function blocks({ depth, width, heads, mlp }, scale) {
  const height = scale.block * 0.4;
  const each = (width * scale.length) / heads;
  return Array.from({ length: depth }, (_, block) => {
    const y = block * scale.block;
    const gap = Math.min(1, each * 0.25);
    return {
      attention: Array.from({ length: heads }, (_, head) => ({ x: head * each, y, width: Math.max(0.3, each - gap), height })),
      mlp: { x: 0, y: y + height + scale.block * 0.06, width: Math.max(0.3, mlp * scale.length), height: height * 0.75 },
    };
  });
}

/** The lines between `count` cells over a length, without the edges; none where they would be nearer than `least`. */
export function lines(count, length, least = 1.5) {
  const step = length / count;
  if (step < least) return [];
  return Array.from({ length: count - 1 }, (_, index) => (index + 1) * step);
}

/**
 * Keys as filled cells over a square: their middles, and how large they are drawn. Beyond `most` a side they would run into
 * one another and only their share of the square is drawn: null.
 */
export function keyCells([rows, columns], side, most = 64) {
  if (rows > most || columns > most) return null;
  const [height, width] = [side / rows, side / columns];
  const cells = [];
  for (let row = 0; row < rows; row++) for (let column = 0; column < columns; column++) cells.push([column * width, row * height]);
  return { cells, width: width * 0.6, height: height * 0.6, left: width * 0.2, top: height * 0.2 };
}

/** A receptive field around the middle of a picture of `pixels` a side, drawn `side` long; cut at the edge. */
export function fieldSquare([height, width], pixels, side) {
  const unit = side / pixels;
  const [tall, wide] = [Math.min(pixels, height) * unit, Math.min(pixels, width) * unit];
  return { x: (side - wide) / 2, y: (side - tall) / 2, width: wide, height: tall, all: height >= pixels && width >= pixels };
}

/** Lengths of two bars beside each other, as shares of the longest there is. */
export const pair = (before, now, most) => [before ?? 0, now ?? 0].map((each) => (most ? each / most : 0));
