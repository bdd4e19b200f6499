// The words of the form with which a lesson is made.

import { phrase } from "./phrase.js";

const KINDS = { choice: "make_kind_choice", own: "make_kind_own", number: "make_kind_number", cells: "make_kind_cells" };

export const kindWords = (kind) => phrase(KINDS[kind]);

/** A measure's name as words: "head that matters". */
export const measureWords = (name) => name.replaceAll("-", " ");

/** A parameter's name; whether it may be left out. */
export const parameterWords = (name, optional) => (optional ? phrase("make_optional", { name }) : name);

/** "2. Four heads". `index`: from 0. */
export const stepWords = (index, { title }) => phrase("make_step", { step: index + 1, title: title || phrase("make_untitled") });
