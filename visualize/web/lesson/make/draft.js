// A lesson that is being made: the lesson's own form, in which anything may be missing. Pure: every function returns a new draft.

export const FORMAT = 1;
export const MOST_STEPS = 12;
const MINUTES = 5;

/** A draft without steps. */
export const empty = () => ({ format: FORMAT, name: "", title: "", minutes: MINUTES, steps: [] });

/** Whether nothing was written yet. */
export const isEmpty = ({ name, title, steps }) => !name && !title && !steps.length;

/** A lesson that was read, as a draft: without what the reader added. */
export const fromLesson = ({ name, title, minutes, steps }) => structuredClone({ format: FORMAT, name, title, minutes, steps });

/** A name for a link and a file, made of a title: "Which heads?" → "which-heads". */
const nameOf = (title) =>
  title
    .normalize("NFKD")
    .toLowerCase()
    .replace(/\p{M}+/gu, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 40)
    .replace(/-+$/, "");

/** A name for the file: that which was given, else one of the title. */
export const nameFor = ({ name, title }) => name || nameOf(title) || "lesson";

export const withStep = (draft, step) => ({ ...draft, steps: [...draft.steps, step] });

export const withoutStep = (draft, index) => ({ ...draft, steps: draft.steps.filter((_, each) => each !== index) });

/** With a step moved by a number of places; as it is where there is no such place. */
export function moved(draft, index, by) {
  const to = index + by;
  if (to < 0 || to >= draft.steps.length) return draft;
  const steps = [...draft.steps];
  steps.splice(to, 0, ...steps.splice(index, 1));
  return { ...draft, steps };
}

/**
 * With a value at a path such as "steps.0.ask.text"; undefined takes it away. Only what a draft owns is reached.
 */
export function changed(draft, path, value) {
  const [first, ...rest] = path.split(".");
  const copy = Array.isArray(draft) ? [...draft] : { ...draft };
  const own = Object.hasOwn(copy, first) ? copy[first] : undefined;
  const next = rest.length ? changed(own ?? {}, rest.join("."), value) : value;
  if (next === undefined) delete copy[first];
  else copy[first] = next;
  return copy;
}

/** What stands at a path, or undefined. */
export const valueAt = (draft, path) =>
  path.split(".").reduce((value, key) => (value && Object.hasOwn(value, key) ? value[key] : undefined), draft);

/** The draft that a browser kept as text, or null. */
export function restored(text) {
  try {
    const found = JSON.parse(text ?? "null");
    return found?.format === FORMAT && Array.isArray(found.steps) && found.steps.every(isStep) ? { ...empty(), ...found } : null;
  } catch {
    return null;
  }
}

const isStep = (step) => typeof step === "object" && step !== null && !Array.isArray(step);
