// What a person has done of each lesson, kept in this browser alone: { [name]: { digest, step, done, answers } }.

const KEY = "cvt-lessons";
const MOST = 100; // lessons; then the one that was written first is forgotten

function read() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return found && typeof found === "object" ? found : {};
  } catch {
    return {}; // no storage, or not ours
  }
}

/** Of a lesson: { step, done: [steps], answers }; of another text of the same name only nothing. */
export function progressOf({ name, digest }) {
  const found = read()[name];
  return found?.digest === digest
    ? { step: found.step, done: [...found.done], answers: { ...found.answers } }
    : { step: 0, done: [], answers: {} };
}

/** Keeps it; without storage it is forgotten with the page. */
export function keep({ name, digest }, { step, done, answers }) {
  try {
    const others = Object.entries(read()).filter(([other]) => other !== name);
    const kept = Object.fromEntries(others.slice(1 - MOST));
    localStorage.setItem(KEY, JSON.stringify({ ...kept, [name]: { digest, step, done, answers } }));
  } catch {} // a lesson works without it
}

/** Begins anew. */
export function forget({ name, digest }) {
  keep({ name, digest }, { step: 0, done: [], answers: {} });
}
