// Keeps the page for the next visit, which then needs no network: sw.js answers from what was loaded.

import { root } from "./facts.js";

/** Has the service worker keep files of the site, once there is one. */
export async function keep(/** @type {string[]} */ addresses) {
  const found = await navigator.serviceWorker?.ready;
  found?.active?.postMessage({ loaded: addresses.filter((address) => address.startsWith(root.href)) });
}

/** Registers the service worker, and has it keep what this page has loaded before there was one. */
export async function keepOffline() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return; // only pages with https have one
  try {
    await serviceWorker.register(new URL("sw.js", root), { scope: root.pathname });
    await serviceWorker.ready;
    keep(performance.getEntriesByType("resource").map(({ name }) => name));
  } catch {} // the browser forbids it, as in some private windows: then the page needs the network
}
