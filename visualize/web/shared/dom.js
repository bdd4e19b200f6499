// Small helpers for making and finding elements. Text is never parsed as HTML: labels may come from untrusted models.

/**
 * An element with attributes and children; `text` sets its text, `class` its classes, on… adds listeners.
 * @returns {any} the interface for the name
 */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "text") element.textContent = value;
    else if (key === "style")
      element.style.cssText = value ?? ""; // a Content-Security-Policy may forbid the attribute
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** An SVG element; attributes as they are. */
export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/**
 * The elements of a template by their data-ref, without those of an explorer in it.
 * @returns {Object<string, any>}
 */
export function refs(root) {
  const own = root.querySelectorAll("[data-ref]:not(:scope [data-explorer] *)");
  return Object.fromEntries(Array.from(own, (each) => [each.dataset.ref, each]));
}

/** The tree that an element is in, which knows what is focused and what lies at a point: the document, or in a notebook another. */
export const treeOf = (element) => /** @type {Document | ShadowRoot} */ (element.getRootNode());

/** Sets text only if it differs, so that unchanged text costs no layout. */
export function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/** Captions a figure: `words` below it, by the names of its parts, and `spoken` for screen readers. */
export function caption(figure, words, spoken) {
  for (const [part, text] of Object.entries(words)) say(figure[part], text);
  figure.canvas.setAttribute("aria-label", spoken);
}

/**
 * A figure: a canvas, and below it its title, its size in cells, and its statistics. Within a button these are spans: a figure
 * there would leave the button without a name for screen readers.
 */
export function figure(label, { button = false } = {}) {
  const canvas = make("canvas", { role: "img", "aria-label": label });
  const name = make("span", { class: "cvt-name", text: label });
  const size = make("span", { class: "cvt-size" });
  const value = make("span", { class: "cvt-value" });
  const under = make(button ? "span" : "figcaption", { class: "cvt-under" }, name, size, value);
  const element = make(button ? "span" : "figure", { class: "cvt-figure" }, canvas, under);
  return { element, canvas, name, size, value };
}
