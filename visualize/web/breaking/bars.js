// Bars: the classes' probabilities before and after in pairs, and shares in rows.

import { make } from "../shared/dom.js";
import { firstName } from "../words/explorer.js";
import { percent } from "../words/format.js";
import { phrase } from "../words/phrase.js";

const MOST = 4; // classes: the most probable before and after

/**
 * The classes to compare: { label, before, after }, the most probable ones of both, by the larger of their probabilities. `after` is null
 * while nothing is changed. A class that one side does not list has null there.
 */
export function compared(before, after) {
  const of = (top, label) => top?.find((each) => each.label === label)?.probability ?? null;
  const labels = [...new Set([...before.slice(0, MOST), ...(after ?? []).slice(0, MOST)].map(({ label }) => label))];
  const rows = labels.map((label) => ({ label, before: of(before, label), after: after && of(after, label) }));
  return rows.sort((one, two) => Math.max(two.before, two.after) - Math.max(one.before, one.after)).slice(0, MOST);
}

/** Draws them into an element, as rows of a name and, before and after, a bar with its number. */
export function bars(root, before, after) {
  const line = (name, share) =>
    make(
      "span",
      { class: `cvt-break-${name}` },
      make("i", { "aria-hidden": "true", style: `--share:${share ?? 0}` }),
      make("b", { text: share === null ? phrase("break_unlisted") : percent(share) }),
    );
  root.replaceChildren(
    ...compared(before, after).map((row) =>
      make(
        "div",
        {},
        make("span", { class: "cvt-break-name", text: firstName(row.label), title: row.label }),
        line("before", row.before),
        ...(after ? [line("after", row.after)] : []),
      ),
    ),
  );
}

/** A row of a list: a name, a bar as long as a share of the way, and that share in words. */
export const shareRow = (name, spoken, share, words, ...more) =>
  make(
    "div",
    { class: "cvt-break-share", role: "listitem", "aria-label": spoken },
    make("span", { text: name }),
    make("i", { "aria-hidden": "true", style: `--share:${Math.min(1, Math.max(0, share))}` }),
    make("b", { text: words }),
    ...more,
  );
