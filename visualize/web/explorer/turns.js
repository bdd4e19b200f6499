// Results that arrive while a newer one is pending wait; the last of them is shown only if nothing newer arrives.

/**
 * Connects an explorer, whose `load` calls `late` first, and `overtaken` once it has its data.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function turns(explorer) {
  let holding = false;
  let held = null;

  return {
    /** A newer choice was made. */
    hold() {
      holding = true;
    },

    /** No newer result is pending any more. */
    release() {
      holding = false;
      if (held) explorer.load(held);
    },

    /** Whether this result must wait; it is then kept and replaces an older one. */
    late(value) {
      held = holding ? value : null;
      return holding;
    },

    /** The same for a result whose data arrived after a newer choice: it is older than any kept one. */
    overtaken(value) {
      if (!holding) return false;
      explorer.asked = null;
      held ??= value;
      return true;
    },
  };
}
