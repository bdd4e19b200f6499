// A dialog with the camera's picture, and what is said where there is none. Live, it lies in a corner while the page follows the camera.

import { make, say } from "../shared/dom.js";
import { phrase } from "../words/phrase.js";

/** Why a camera cannot be used, by the name of the browser's error. */
const REASONS = /** @type {const} */ ({
  NotAllowedError: "camera_refused",
  SecurityError: "camera_refused",
  NotFoundError: "camera_absent",
  OverconstrainedError: "camera_absent",
  NotReadableError: "camera_busy",
  AbortError: "camera_busy",
});

const CORNER = "cvt-camera-live";
const MEASURED = 8; // frames over which the rate is taken

/** A phone's own camera program takes better pictures than a page. */
export const isPhone = () => matchMedia("(pointer: coarse)").matches;

/**
 * Makes the dialog; returns what opens it.
 * @param {AbortSignal} signal ends it
 * @param {Element} above the element for what lies over the page
 * @param {(file: File) => void} take
 * @param {?(frame: ImageBitmap) => Promise<boolean>} live shows what the camera sees now; resolves once it is drawn, to false if it cannot
 *   be. Null where the page cannot follow a camera
 */
export function camera(signal, above, take, live = null) {
  /** @type {HTMLVideoElement} */
  const video = make("video", { playsinline: true, "aria-label": phrase("camera_live") });
  video.muted = true;
  const words = make("p", { role: "status" });
  const shoot = make("button", { type: "button", class: "cvt-toggle cvt-camera-take", text: phrase("camera_take"), onclick: picture });
  const stop = make("button", { type: "button", class: "cvt-toggle", text: phrase("cancel"), onclick: () => dialog.close() });
  const follow = make("button", { type: "button", class: "cvt-toggle", text: phrase("camera_follow"), hidden: !live, onclick: alive });
  const heading = make("h2", { text: phrase("camera_title"), id: "cvt-camera-title" });
  const row = make("div", { class: "cvt-row" }, shoot, follow, stop);
  /** @type {HTMLDialogElement} */
  const dialog = make("dialog", { class: "cvt cvt-camera", "aria-labelledby": heading.id }, heading, video, words, row);
  let stream = /** @type {MediaStream | null} */ (null);
  above.append(dialog);
  dialog.addEventListener("close", () => dialog.open || off(), { signal }); // it is open again where it only goes into its corner
  document.addEventListener("visibilitychange", () => document.hidden && following() && dialog.close(), { signal });
  signal.addEventListener("abort", () => {
    off();
    dialog.remove();
  });

  function off() {
    stream?.getTracks().forEach((track) => track.stop());
    stream = video.srcObject = null;
    dialog.classList.remove(CORNER);
    follow.hidden = !live;
    say(stop, phrase("cancel"));
  }

  const following = () => dialog.classList.contains(CORNER);

  /** Has the page follow the camera, as fast as it can, until the dialog is closed. */
  async function alive() {
    dialog.close();
    dialog.classList.add(CORNER);
    follow.hidden = true;
    say(stop, phrase("close"));
    dialog.show(); // no longer over the page
    const mine = stream;
    const times = [performance.now()];
    while (live && mine && stream === mine && video.videoWidth) {
      if (!(await live(await createImageBitmap(video)))) break;
      times.push(performance.now());
      if (times.length > MEASURED) times.shift();
      const rate = (1000 * (times.length - 1)) / (times[times.length - 1] - times[0]);
      if (stream === mine) say(words, phrase("camera_rate", { rate: rate.toFixed(1) }));
    }
    if (stream === mine) dialog.close();
  }

  /** Says how it stands: with nothing to say there is a picture to take. */
  function state(text) {
    say(words, text);
    shoot.disabled = follow.disabled = video.hidden = Boolean(text);
  }

  async function open() {
    state(phrase("camera_asked"));
    dialog.showModal();
    if (!navigator.mediaDevices) return state(phrase("camera_insecure"));
    try {
      const found = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1280 }, facingMode: "environment" } });
      if (!dialog.open || signal.aborted) return found.getTracks().forEach((track) => track.stop()); // cancelled meanwhile
      video.srcObject = stream = found;
      video.hidden = false; // browsers do not play what is not seen
      await video.play();
      state("");
      found.getVideoTracks()[0].addEventListener("ended", () => state(phrase("camera_busy")), { signal });
    } catch (error) {
      state(phrase(REASONS[error.name] ?? "camera_failed"));
    }
  }

  async function picture() {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
    canvas.getContext("2d")?.drawImage(video, 0, 0);
    /** @type {Blob | null} */
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.92));
    dialog.close();
    if (blob) take(new File([blob], phrase("camera_name"), { type: blob.type }));
  }

  return open;
}
