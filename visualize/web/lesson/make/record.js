// The page as it stands, as the text of a step's link.

import { CHOICES } from "../../choices.js";
import { explorerOn, queryOf, tabPairs } from "../../share/query.js";

const FLAGS = /** @type {const} */ (["cls"]);

/**
 * A step changes only what its link says, so this says what the page's own link leaves out where it is the default.
 * @param {import("../../shared/page.js").Page} state
 * @param {boolean} picture whether the example and the model are named too
 */
export function recorded(state, picture = false) {
  const { tab, experiment, view, model, picture: shown } = state;
  const named = new Map(/** @type {[string, any][]} */ ([]));
  const put = (name, value) => named.set(CHOICES[name].key, value);
  put("tab", tab);
  if (picture && model && !shown.first) put("model", model);
  if (picture && shown?.example) put("picture", shown.example);
  if (tab === "break") put("experiment", experiment);
  const { state: choices } = view[explorerOn(tab)] ?? {};
  if (choices) put("stage", choices.stage + 1);
  if (choices && tab === CHOICES.tab.default) {
    for (const name of ["layer", "depth"]) put(name, choices[name]);
    for (const name of FLAGS) put(name, Number(choices[name]));
  }
  for (const [key, value] of tabPairs(ofTab(state))) named.set(key, value);
  return queryOf([...named]);
}

/** The page's state without what another tab has and a step on this one does not need. */
function ofTab({ tab, view, architecture, experiment, off, how, linked, ablation }) {
  const broken = tab === "break";
  return {
    tab,
    view,
    experiment: broken ? experiment : CHOICES.experiment.default,
    off: broken ? off : CHOICES.off.default,
    how: broken ? how : CHOICES.how.default,
    architecture: tab === "architecture" ? architecture : null,
    linked: tab === "architecture" ? linked : null,
    ablation: tab === "architecture" ? ablation : null,
  };
}
