// The questions that a step can ask, as they begin: their kinds, measures and parameters. Pure.

import { MEASURES } from "../../choices.js";
import { changed, valueAt } from "./draft.js";

export const OWN = "own"; // a choice among the lesson's own options
export const KINDS = { ask: ["choice", OWN, "number", "cells"], after: ["choice", OWN, "number"] };
const COUNT = 3; // cells
const NUMBERS = /^\d{1,3}$/;

/** What a parameter begins with, unless the step's link says it. */
const BEGINNINGS = {
  stage: "last",
  block: "last",
  head: 0,
  token: "cls",
  off: "last.last.mlp",
  preset: "no-overlap",
  member: "linear",
  members: "baseline,linear",
  side: 64,
  right: 16,
};
const FIRST = { similarity: ["right"], "most-changed-stage": ["right"], "exactly-shifted": ["right"] }; // of those that may be left out

/** The kind of a question, with OWN told apart; "" for none. */
export const kindOf = (ask) => (!ask ? "" : ask.kind === "choice" && ask.options ? OWN : ask.kind);

/** The measures that can grade a kind. */
export const measuresOf = (kind) => Object.keys(MEASURES).filter((name) => MEASURES[name].kind === kind);

/** A parameter as a lesson has it: a whole number as a number, nothing as undefined. */
export const parameter = (text) => (NUMBERS.test(text) ? Number(text) : text || undefined);

/**
 * A measure with what its parameters begin with.
 * @param {string} name
 * @param {string} [view] the step's link
 */
export function measureOf(name, view = "") {
  const { takes, optional } = MEASURES[name];
  const link = new URLSearchParams(view);
  const needed = takes.filter((each) => !optional.includes(each) || FIRST[name]?.includes(each));
  const said = (each) => (each === "token" && link.has("cls") ? (link.get("cls") === "1" ? "cls" : "held") : link.get(each));
  return { name, ...Object.fromEntries(needed.map((each) => [each, parameter(said(each) ?? "") ?? BEGINNINGS[each]])) };
}

/**
 * A question of another kind, with the text that it had.
 * @param {string} kind one of KINDS; "" for none
 * @param {any} [before]
 * @param {string} [view]
 */
export function askOf(kind, before, view) {
  if (!kind) return undefined;
  const text = before?.text ?? "";
  if (kind === OWN) return { text, kind: "choice", options: ["", ""], right: 1 };
  const ask = { text, kind, measure: measureOf(measuresOf(kind)[0], view) };
  return kind === "cells" ? { ...ask, count: COUNT } : ask;
}

/** A draft with another kind of question at a path; a step that asks nothing shows nothing after it, and asks nothing then. */
export function withQuestion(draft, path, kind, view) {
  const now = changed(draft, path, askOf(kind, valueAt(draft, path), view));
  if (kind || !path.endsWith(".ask")) return now;
  return ["show", "after"].reduce((found, each) => changed(found, path.replace(/ask$/, each), undefined), now);
}
