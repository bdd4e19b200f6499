// Words that several experiments have. Stages and blocks count from 1, as in the server's answers.

import { phrase } from "./phrase.js";

/** "stage 3, block 6". */
export const placeWords = ({ stage, block }) => phrase("break_place", { stage, block });
