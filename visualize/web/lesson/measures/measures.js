// All measures by their names in a lesson; visualize/page/lessons/measures.py has the same names, with their parameters.

import { CHANGES } from "./changes.js";
import { DEPTH } from "./depth.js";
import { LOOKING } from "./looking.js";
import { SHAPES } from "./shapes.js";
import { TRAINED } from "./trained.js";

/** @type {Object<string, import("./common.js").Measure>} */
export const MEASURES = { ...LOOKING, ...SHAPES, ...CHANGES, ...DEPTH, ...TRAINED };
