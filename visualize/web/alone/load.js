// Loads modules from their texts.

/**
 * The namespace of the last module. Each text is split where it names another module, which comes before it: every second part is such
 * a path. `keep`: whether modules may be imported later, so that their addresses must stay.
 * @param {{ modules: [string, string[]][], keep: boolean }} scripts by their paths, as visualize/alone/bundle.py packs them
 */
export async function load({ modules, keep }) {
  /** @type {Record<string, string>} */
  const urls = {};
  let last = "";
  for (const [name, parts] of modules) {
    const linked = parts.map((part, at) => (at % 2 ? urls[new URL(part, `file:///${name}`).pathname.slice(1)] : part));
    urls[name] = last = URL.createObjectURL(new Blob(linked, { type: "text/javascript" }));
  }
  try {
    return await import(last);
  } finally {
    if (!keep) Object.values(urls).forEach((url) => URL.revokeObjectURL(url));
  }
}
