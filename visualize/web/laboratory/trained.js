// Trained ablations: a row of questions, and the numbers of the one that is shown beside the family's baseline.

import { make, say } from "../shared/dom.js";
import { ask, get } from "../shared/http.js";
import { buttons } from "../shared/offer.js";
import { page } from "../shared/page.js";
import { phrase } from "../words/phrase.js";
import { trainedAbout, trainedName, trainedRows } from "../words/trained.js";

const SOURCES = "ablations/"; // begins the names of the family's models, as in cvt/ablations/shipped.py

/**
 * @typedef {object} Ablation one that is shown
 * @property {string} name
 * @property {any} member its row of the table
 * @property {any} baseline costs of the family's baseline, as the server describes them
 * @property {any} variant costs of the member
 */

/**
 * Connects the row and the numbers. `find`: the ablation of a name; `reflect` shows which is chosen; `list(true)` offers the trained
 * ablations, `list(false)` the presets; `nameOf`: what a model of the family is, or undefined for others.
 * @param {import("./laboratory.js").Laboratory} laboratory
 */
export function trained(laboratory, ref, { signal }) {
  let table = /** @type {any} */ (null);
  let asked = /** @type {?Promise<any>} */ (null);

  /** The table, fetched once; after a failure, again. */
  function fetched() {
    asked ??= get(`${laboratory.base.replace(/[^/]+\/$/, "")}ablations`, signal).then(build);
    asked.catch(() => (asked = null));
    return asked;
  }

  function build(found) {
    table = found;
    const [, ...members] = table.members; // the baseline is first
    const button = ({ name, title, question }) =>
      make("button", {
        type: "button",
        class: "cvt-question",
        "data-ablation": name,
        text: title,
        title: question,
        onclick: () => laboratory.trainedWithout(name),
      });
    ref.ablations.replaceChildren(...members.map(button));
    reflect();
    return table;
  }

  /** @returns {Promise<Ablation>} rejects with a sentence */
  async function find(name) {
    const [{ members }, costs] = await Promise.all([fetched(), ask(`${laboratory.base}trained`, { ablation: name }, signal)]);
    return { name, member: members.find((each) => each.name === name), ...costs };
  }

  const rowOf = (model) => table?.members.find(({ name }) => SOURCES + name === model);
  const nameOf = (model) => {
    const row = rowOf(model);
    return row && trainedName(row);
  };

  /** Offers the trained ablations, or the presets, which have the same weights as the baseline. */
  function list(open) {
    ref.ablations.hidden = !open;
    ref.presets.hidden = open;
    for (const each of ref.training.children) each.setAttribute("aria-pressed", (each.dataset.value === "trained") === open);
  }

  function reflect() {
    const { ablation } = laboratory;
    for (const each of ref.ablations.children) {
      each.setAttribute("aria-pressed", each.dataset.ablation === page.state.ablation);
    }
    if (ablation || !ref.ablation.hidden) list(Boolean(ablation)); // chosen, or left
    laboratory.root.toggleAttribute("data-trained", Boolean(ablation));
    ref.ablation.hidden = !ablation;
    if (!ablation) return;
    const [baseline] = table.members;
    const { member } = ablation;
    say(ref.ablationNote, `${member.question} ${trainedAbout(table, member)}`);
    const head = [baseline.title, member.title, phrase("trained_difference")].map((text) => make("th", { scope: "col", text }));
    ref.ablationNumbers.replaceChildren(
      make("caption", { text: phrase("trained_caption") }),
      make("thead", {}, make("tr", {}, make("td"), ...head)),
      make("tbody", {}, ...trainedRows(baseline, member).map(row)),
    );
  }

  ref.training.replaceChildren(...buttons("training", { same: phrase("training_same"), trained: phrase("training_trained") }));
  for (const each of ref.training.children) each.addEventListener("click", () => list(each.dataset.value === "trained"), { signal });
  list(false);
  ref.ablationBack.addEventListener("click", () => laboratory.trainedWithout(null), { signal });
  return { fetched, find, list, nameOf, reflect };
}

function row({ name, baseline, own, difference, clear }) {
  const cells = [baseline, own].map((text) => make("td", { text }));
  const last = make(
    "td",
    {},
    make("span", { text: difference }),
    make("small", { text: phrase(clear ? "trained_clear" : "trained_unclear") }),
  );
  return make("tr", { "data-clear": clear }, make("th", { scope: "row", text: name }), ...cells, last);
}
