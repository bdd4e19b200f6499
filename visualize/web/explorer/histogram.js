// The histogram of a channel's values over the tokens.

import { penOf } from "../shared/draw.js";
import { number } from "../words/format.js";
import { phrase } from "../words/phrase.js";

/** Draws the histogram of a channel; a line marks zero, a filled mark the value at the query token. */
export function histogram(canvas, features, channel, value) {
  const counts = features.histogram(channel);
  const context = penOf(canvas);
  const style = getComputedStyle(canvas);
  const { width, height } = canvas;
  const [low, high] = [features.lo[channel], features.hi[channel]];
  const most = Math.max(...counts);
  const place = (each) => ((each - low) / (high - low || 1)) * width;
  context.clearRect(0, 0, width, height);
  context.fillStyle = style.getPropertyValue("--cvt-soft") || "#888";
  const step = width / counts.length;
  counts.forEach((count, index) => {
    const tall = (count / most) * (height - 8);
    context.fillRect(Math.round(index * step), height - tall, Math.ceil(step) - 1, tall);
  });
  if (low < 0 && high > 0) {
    context.fillStyle = style.getPropertyValue("--cvt-text") || "#888";
    context.fillRect(Math.round(place(0)), 0, 1, height);
  }
  context.fillStyle = style.getPropertyValue("--cvt-accent") || "#08f";
  context.fillRect(Math.min(width - 3, Math.round(place(value)) - 1), 0, 3, height);
  canvas.setAttribute(
    "aria-label",
    phrase("histogram", { channel: channel + 1, low: number(low), high: number(high), value: number(value) }),
  );
}
