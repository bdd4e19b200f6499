// What is kept out of sight until a prediction is made, since it would give it away: the styles hide it by the root's data-cvt-veil.

import { phrase } from "../words/phrase.js";

const AT_ONCE = ["decide", "reach", "two", "trial"]; // experiments that show what they found without being asked

/**
 * The names of what a step's view would give away: "picture" (the maps on it and beside it), "experiment", "variant".
 * @param {{ view?: string, ask?: { kind: string, measure?: { name: string } } }} step
 */
export function veiled({ view = "", ask }) {
  if (!ask) return [];
  const link = new URLSearchParams(view);
  const found = [];
  if (ask.kind === "cells") found.push("picture");
  if (link.get("tab") === "break" && AT_ONCE.includes(link.get("experiment") ?? "")) found.push("experiment");
  if (link.get("tab") === "architecture") found.push("variant");
  return found;
}

/** Hides these, and shows everything else. */
export function veil(names) {
  const { dataset, style } = document.documentElement;
  if (!names.length) {
    delete dataset.cvtVeil;
    return;
  }
  style.setProperty("--cvt-veil", JSON.stringify(phrase("lesson_veil")));
  dataset.cvtVeil = names.join(" ");
}
