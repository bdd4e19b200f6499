// Entry: a file of its own, since the page may load it twice, by another address each time, and what it leads to once.

export { mount } from "./host.js";
