// What the builder says of this site: its examples, its model, and what a link can name. In the page itself, so that nothing waits for it.

/**
 * @typedef {object} Facts
 * @property {Object<string, any>} examples the explorer's value for each example, by its name
 * @property {object} common what is said of every result of the model
 * @property {any} link what `link/read.js` needs
 * @property {{ files: string[], bytes: number }} download the model, and what runs it
 * @property {string} server the address of the page with a server; "" if there is none
 */

const text = /** @type {HTMLScriptElement} */ (document.getElementById("cvt-facts")).text;

/** @type {Facts} */
export const facts = JSON.parse(text);
export const root = new URL("../../", import.meta.url); // the site's folder
