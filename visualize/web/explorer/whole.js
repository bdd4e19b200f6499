// The whole picture, small in a corner, with a frame around what the model sees of it; only where something was cut off.

import { make, say } from "../shared/dom.js";
import { penOf } from "../shared/draw.js";
import { percent } from "../words/format.js";
import { phrase } from "../words/phrase.js";

const SIDE = 128; // CSS pixels of the longer side, at most
const SHARE = 0.24; // the longer side's share of the frame's width
const LEAST = 22; // CSS pixels of the shorter side: a panorama is drawn longer instead
const ROOM = 0.6; // the longer side's largest share of the frame's width

/**
 * The sides in CSS pixels at which a picture of (width, height) is shown in a frame this wide.
 * @returns {[number, number]}
 */
export function sidesIn([width, height], frame) {
  const [longer, shorter] = [Math.max(width, height), Math.min(width, height)];
  const scale = Math.min(Math.max(Math.min(SIDE, SHARE * frame) / longer, LEAST / shorter), (ROOM * frame) / longer);
  return [Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale))];
}

const LITTLE = 0.5; // of the picture, below which the share is written

/** The share of a picture of (width, height) within a box (left, top, right, bottom). */
export const shareOf = ([left, top, right, bottom], [width, height]) => ((right - left) * (bottom - top)) / (width * height);

/**
 * Connects the inset; `draw` runs for another result and for another size of the frame.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function wholePicture(explorer, ref) {
  const canvas = make("canvas", { "aria-hidden": "true" });
  const words = make("span", { "aria-hidden": "true" });
  const spoken = make("span", { class: "cvt-hidden", role: "status" });
  const element = make("figure", { class: "cvt-whole", hidden: true }, canvas, words);
  ref.frame.append(element, spoken);

  function draw() {
    const { whole, box, original } = explorer.result;
    element.hidden = !whole;
    const share = whole ? percent(shareOf(box, original)) : "";
    // an ordinary crop speaks for itself
    say(words, whole && shareOf(box, original) < LITTLE ? phrase("whole_share", { share }) : "");
    say(spoken, whole ? phrase("whole_spoken", { share }) : "");
    if (!whole || !ref.frame.clientWidth) return;
    const [width, height] = sidesIn(original, ref.frame.clientWidth);
    const ratio = Math.min(3, devicePixelRatio || 1);
    [canvas.width, canvas.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const pen = penOf(canvas);
    const [x, y] = [canvas.width / original[0], canvas.height / original[1]];
    /** @type {[number, number, number, number]} */
    const frame = [box[0] * x, box[1] * y, (box[2] - box[0]) * x, (box[3] - box[1]) * y];
    pen.imageSmoothingQuality = "high";
    pen.globalAlpha = 0.4; // on black: what the model does not see
    pen.drawImage(whole, 0, 0, canvas.width, canvas.height);
    pen.globalAlpha = 1;
    pen.save();
    pen.beginPath();
    pen.rect(...frame);
    pen.clip();
    pen.drawImage(whole, 0, 0, canvas.width, canvas.height);
    pen.lineWidth = 4 * ratio; // half of it is clipped
    pen.strokeStyle = "#fff";
    pen.strokeRect(...frame);
    pen.restore();
  }

  return { draw };
}
