// Keeps the most recently used values, up to a count and to a number of bytes.

export class Store {
  #values = new Map(); // oldest first
  #bytes = 0;

  /** @param {number} most @param {number} mostBytes @param {(value: any) => number} bytesOf */
  constructor(most, mostBytes, bytesOf) {
    this.most = most;
    this.mostBytes = mostBytes;
    this.bytesOf = bytesOf;
  }

  get(key) {
    const value = this.#values.get(key);
    if (value !== undefined) this.#values.delete(key) && this.#values.set(key, value);
    return value;
  }

  /** Keeps a value, and drops the least recently used ones for which there is no room; the newest always stays. */
  set(key, value) {
    this.delete(key);
    this.#values.set(key, value);
    this.#bytes += this.bytesOf(value);
    for (const oldest of this.#values.keys()) {
      if (oldest === key || (this.#values.size <= this.most && this.#bytes <= this.mostBytes)) break;
      this.delete(oldest);
    }
  }

  delete(key) {
    if (!this.#values.has(key)) return;
    this.#bytes -= this.bytesOf(this.#values.get(key));
    this.#values.delete(key);
  }

  /** The first key whose value fits. */
  find(fits) {
    for (const [key, value] of this.#values) if (fits(value)) return key;
    return undefined;
  }
}
