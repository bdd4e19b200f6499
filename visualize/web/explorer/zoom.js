// Zoom and pan of the picture: with Ctrl and the wheel, two fingers or + and −; a zoomed picture is dragged by the mouse.

import { windowOf } from "./state.js";

const MOST = 8;
const STEP = 1.25; // by a key
const STILL = 4; // px that a click may move

/**
 * Connects the picture; returns what its pointer listeners ask first: whether an event belongs to a zoom or a pan.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function zoom(explorer, element, signal) {
  /** @type {Map<number, { x: number, y: number }>} */
  const fingers = new Map();
  let drag = /** @type {{ x: number, y: number, moved: boolean } | null} */ (null);

  /** Zooms by a factor so that the point of the picture under (x, y) of the window stays there, or that under `from` comes there. */
  function zoomAt(factor, x, y, from = { x, y }) {
    const { state, result } = explorer;
    const { input } = result;
    const box = element.getBoundingClientRect();
    const [down, across] = [(y - box.top) / box.height, (x - box.left) / box.width];
    const view = windowOf(state, input);
    const point = {
      y: view.top + ((from.y - box.top) / box.height) * view.height,
      x: view.left + ((from.x - box.left) / box.width) * view.width,
    };
    const next = Math.min(MOST, Math.max(1, state.zoom * factor));
    const [height, width] = input.map((side) => side / next);
    explorer.set({ zoom: next, focus: { y: point.y - down * height + height / 2, x: point.x - across * width + width / 2 } });
  }

  function panBy(x, y) {
    const { state, result } = explorer;
    const box = element.getBoundingClientRect();
    const view = windowOf(state, result.input);
    const centre = { y: view.top + view.height / 2, x: view.left + view.width / 2 };
    explorer.set({ focus: { y: centre.y - (y / box.height) * view.height, x: centre.x - (x / box.width) * view.width } });
  }

  element.addEventListener(
    "wheel",
    (event) => {
      if (!explorer.result || !(event.ctrlKey || event.metaKey || explorer.state.zoom > 1)) return; // else the page scrolls
      event.preventDefault();
      zoomAt(Math.exp(-event.deltaY / (event.ctrlKey ? 120 : 400)), event.clientX, event.clientY);
    },
    { signal, passive: false },
  );
  element.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId), { signal });

  const middle = () => {
    const [a, b] = [...fingers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
  };

  return {
    begins(event) {
      if (event.pointerType === "touch") {
        fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
        return fingers.size > 1;
      }
      drag = explorer.state.zoom > 1 ? { x: event.clientX, y: event.clientY, moved: false } : null;
      return Boolean(drag);
    },
    moves(event) {
      if (fingers.size > 1 && fingers.has(event.pointerId)) {
        const before = middle();
        fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
        const now = middle();
        zoomAt(before.apart > 0 ? now.apart / before.apart : 1, now.x, now.y, before);
        return true;
      }
      if (!drag || !event.buttons) return false;
      const [x, y] = [event.clientX - drag.x, event.clientY - drag.y];
      if (!drag.moved && Math.hypot(x, y) < STILL) return true;
      drag = { x: event.clientX, y: event.clientY, moved: true };
      panBy(x, y);
      return true;
    },
    ends(event) {
      const pinched = fingers.size > 1;
      fingers.delete(event.pointerId);
      const moved = Boolean(drag?.moved);
      drag = null;
      return pinched || moved;
    },
    keys(event) {
      const factor = { "+": STEP, "=": STEP, "-": 1 / STEP, "−": 1 / STEP }[event.key];
      if (!factor || event.ctrlKey || event.metaKey) return false;
      const box = element.getBoundingClientRect();
      zoomAt(factor, box.left + box.width / 2, box.top + box.height / 2);
      return true;
    },
  };
}
