// Results that come while a newer one is on its way: they wait, and the last of them is shown only where nothing newer came.

/**
 * Connects an explorer, whose `load` asks `late` first and `overtaken` when it has what it needs.
 * @param {import("./explorer.js").Explorer} explorer
 */
export function turns(explorer) {
  let holding = false;
  let held = null;

  return {
    /** Something newer was chosen. */
    hold() {
      holding = true;
    },

    /** Nothing newer is on its way any more. */
    release() {
      holding = false;
      if (held) explorer.load(held);
    },

    /** Whether this result must wait; it is kept then, and takes the place of an older one. */
    late(value) {
      held = holding ? value : null;
      return holding;
    },

    /** The same for a result whose maps came after a newer choice was made: it is older than any that is kept. */
    overtaken(value) {
      if (!holding) return false;
      explorer.asked = null;
      held ??= value;
      return true;
    },
  };
}
