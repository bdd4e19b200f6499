// What is asked of the server: the bytes of results, and light questions, of which the newest wins.

const UNREACHED = "The server does not answer. Check the connection and try again.";
const failed = (status) => `The server answered with an error (${status}). Try again in a moment.`;

async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error(UNREACHED);
  }
}

/** The bytes at an address, null where nothing is kept there any more. Throws an Error with a sentence, or AbortError. */
export async function bytes(url, signal) {
  const answer = await reach(url, { signal });
  if (answer.status === 404) return null;
  if (!answer.ok) throw new Error(failed(answer.status));
  return answer.arrayBuffer();
}

/** POSTs a value as JSON; what `read` makes of the answer. Throws an Error with a sentence, or AbortError. */
export async function ask(url, value, signal, read = (answer) => answer.json()) {
  const answer = await reach(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(value), signal });
  if (answer.ok) return read(answer);
  const found = await answer.json().catch(() => null);
  throw new Error(found?.error ?? failed(answer.status));
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
