// Elements from plain descriptions, HTML, SVG and MathML alike: what is there already is kept, and only what differs is changed, so that
// neither focus nor a running transition is lost when numbers change.

/**
 * Text, or [name, attributes, ...children].
 * @typedef {string | [string, Record<string, string | number | boolean | null | undefined>, ...any[]]} Tree
 */

const SVG = "http://www.w3.org/2000/svg";
const MATH = "http://www.w3.org/1998/Math/MathML";
const DRAWN = new Set(["svg", "g", "path", "line", "rect", "circle"]);
const TYPESET = new Set(["math", "mrow", "mi", "mn", "mo", "mtext", "mfrac", "msqrt", "msub", "msup", "munder", "munderover"]);

/** @type {WeakMap<Element, Record<string, any>>} the attributes that an element was given here; others are left alone */
const given = new WeakMap();

/**
 * Makes an element's children those of the description; null and false stand for nothing.
 * @param {Element} parent
 * @param {any[]} children of Tree, null or false
 */
export function patch(parent, children) {
  const wanted = /** @type {Tree[]} */ (children.filter((each) => each !== null && each !== false));
  wanted.forEach((tree, index) => {
    const now = parent.childNodes[index];
    if (typeof tree === "string") {
      if (now?.nodeType !== Node.TEXT_NODE) place(parent, now, document.createTextNode(tree));
      else if (now.nodeValue !== tree) now.nodeValue = tree;
      return;
    }
    const [name, attributes, ...inner] = tree;
    const element = now instanceof Element && now.localName === name ? now : place(parent, now, create(name));
    dress(element, attributes);
    patch(element, inner);
  });
  while (parent.childNodes.length > wanted.length) parent.lastChild?.remove();
}

function create(name) {
  if (DRAWN.has(name)) return document.createElementNS(SVG, name);
  return TYPESET.has(name) ? document.createElementNS(MATH, name) : document.createElement(name);
}

function place(parent, now, node) {
  if (now) now.replaceWith(node);
  else parent.append(node);
  return node;
}

function dress(element, attributes) {
  const before = given.get(element) ?? {};
  for (const name of Object.keys(before)) if (!(name in attributes)) element.removeAttribute(name);
  for (const [name, value] of Object.entries(attributes)) {
    if (before[name] === value) continue;
    if (value === false || value === null || value === undefined) element.removeAttribute(name);
    else if (name === "style")
      element.style.cssText = value; // a Content-Security-Policy may forbid the attribute
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  given.set(element, attributes);
}
