// "last" in a step's link: the shown model's last stage, or a stage's last block, as numbers from 1. In "off" the server reads it.

const LAST = "last";

/**
 * A link's text for a model of these stages, of which the stage with this number is shown.
 * @param {string} text
 * @param {{ depth: number }[]} stages
 * @param {number} shown from 1
 */
export function withNumbers(text, stages, shown) {
  const link = new URLSearchParams(text);
  if (link.get("stage") === LAST) link.set("stage", String(stages.length));
  const stage = Number(link.get("stage") ?? shown);
  if (link.get("block") === LAST) link.set("block", String(stages[stage - 1]?.depth ?? 1));
  return link.toString();
}
