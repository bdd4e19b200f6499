// Colours of single numbers, the same as on the maps: red above zero, blue below.

import { table } from "../../shared/colour.js";

/** The map's colour of a value, from −extent to extent, as CSS. */
export function solid(value, extent) {
  const step = Math.floor((value / extent + 1) * 128);
  const packed = table("diverging")[Math.min(255, Math.max(0, step))];
  return `rgb(${packed & 255},${(packed >> 8) & 255},${(packed >> 16) & 255})`;
}

export const RED = "#d6604d";
export const BLUE = "#4393c3";
export const GREY = "#848d97"; // seen on light and dark pages

/** The same hues, pale enough for text to be read on them. */
export const pale = (value, extent) =>
  `color-mix(in srgb, ${value < 0 ? BLUE : RED} ${Math.min(45, Math.round((Math.abs(value) / extent) * 45))}%, transparent)`;

/** The largest absolute value, or 1 where all are zero. */
export const extentOf = (values) => values.reduce((most, each) => Math.max(most, Math.abs(each)), 0) || 1;
