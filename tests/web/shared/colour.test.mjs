import assert from "node:assert/strict";
import { test } from "node:test";

import { CHOICES } from "../../../visualize/web/choices.js";
import { table } from "../../../visualize/web/shared/colour.js";
import { colourise, packRgb } from "../../../visualize/web/shared/draw.js";

const rgba = (packed) => [packed & 255, (packed >> 8) & 255, (packed >> 16) & 255, packed >>> 24];
const luminance = (packed) => {
  const [r, g, b] = rgba(packed).map((value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

test("sequential maps grow lighter from first to last", () => {
  for (const name of Object.keys(CHOICES.colours.values)) {
    const colours = table(name);
    for (let index = 1; index < 256; index++)
      assert.ok(luminance(colours[index]) >= luminance(colours[index - 1]) - 0.004, `${name} at ${index}`);
    assert.ok(luminance(colours[255]) - luminance(colours[0]) > 0.5);
  }
});

test("viridis meets its published ends and middle", () => {
  const colours = table("viridis");
  assert.deepEqual(rgba(colours[0]), [0x44, 0x01, 0x54, 255]);
  assert.deepEqual(rgba(colours[255]), [0xfd, 0xe7, 0x25, 255]);
  const middle = rgba(colours[128]);
  [0x21, 0x91, 0x8c].forEach((value, index) => assert.ok(Math.abs(middle[index] - value) <= 2));
});

test("the diverging map is light and see-through in its middle, blue below, red above", () => {
  const colours = table("diverging");
  const [low, middle, high] = [0, 128, 255].map((index) => rgba(colours[index]));
  assert.ok(low[2] > low[0] && high[0] > high[2] && Math.min(...middle) > 235);
  const through = table("diverging", 0.5);
  assert.ok(rgba(through[128])[3] < rgba(through[255])[3]);
});

test("opacity hides nothing at 1 and shows the picture where values are low", () => {
  assert.ok(Array.from(table("viridis", 1)).every((packed) => rgba(packed)[3] === 255));
  const alphas = Array.from(table("viridis", 0.6), (packed) => rgba(packed)[3]);
  assert.ok(alphas.every((alpha, index) => index === 0 || alpha >= alphas[index - 1]));
  assert.equal(alphas[255], 153);
});

test("values find their colours; those outside the range get the ends", () => {
  const colours = Uint32Array.from({ length: 256 }, (_, index) => index);
  const packed = new Uint32Array(6);
  colourise(packed, [-5, 0, 0.5, 0.999, 1, 7], 0, 1, colours);
  assert.deepEqual(Array.from(packed), [0, 0, 128, 255, 255, 255]);
  colourise(packed, [3, 3, 3, 3, 3, 3], 3, 3, colours); // a range of nothing
  assert.ok(packed.every((value) => value === 0));
  const two = new Uint32Array(1);
  packRgb(two, Uint8Array.of(1, 2, 3), 1);
  assert.deepEqual(rgba(two[0]), [1, 2, 3, 255]);
});
