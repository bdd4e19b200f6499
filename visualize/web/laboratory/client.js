// What the laboratory asks of the server: one light question at a time, the newest wins.

const UNREACHED = "The server does not answer. Check the connection and move the control again.";

/** POSTs a value as JSON; what `read` makes of the answer. Throws an Error with a sentence, or AbortError. */
export async function ask(url, value, signal, read = (answer) => answer.json()) {
  let answer;
  try {
    answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value), signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error(UNREACHED);
  }
  if (answer.ok) return read(answer);
  const found = await answer.json().catch(() => null);
  throw new Error(found?.error ?? `The server answered with an error (${answer.status}). Try again in a moment.`);
}

/** A function that asks; a new question ends the one before it, whose promise resolves to null. */
export function newest(url, send = ask) {
  let current = null;
  return async (value) => {
    current?.abort();
    const mine = (current = new AbortController());
    try {
      const found = await send(url, value, mine.signal);
      return mine.signal.aborted ? null : found;
    } catch (error) {
      if (mine.signal.aborted || error.name === "AbortError") return null;
      throw error;
    } finally {
      if (current === mine) current = null;
    }
  };
}

/** A name for a run that nobody else can guess; also where the page is not served securely. */
export function runId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (each) => each.toString(16).padStart(2, "0")).join("");
}
