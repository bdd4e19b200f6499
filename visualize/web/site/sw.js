// The service worker of the page without a server. It keeps the page and whatever of its files was loaded, in a cache of this build, and
// answers from there. A new build has another digest: its worker takes over, and removes the old cache, once no page of the old one is
// open.

const worker = /** @type {any} */ (self);
const CACHE = "cvt-explorer-__DIGEST__";
const CORE = "__CORE__".split(" "); // without which no part of the page works
const scope = new URL("./", location.href).href;

/** Fetches what is not there yet; a copy that the browser has is used if the server says that it is the newest. */
async function keep(addresses) {
  const cache = await caches.open(CACHE);
  const missing = await Promise.all(addresses.map(async (address) => ((await cache.match(address)) ? [] : [address])));
  await cache.addAll(missing.flat().map((address) => new Request(address, { cache: "no-cache" })));
}

async function removeOthers() {
  const names = (await caches.keys()).filter((name) => name.startsWith("cvt-explorer-") && name !== CACHE);
  await Promise.all(names.map((name) => caches.delete(name)));
}

/** The kept answer, or the network's, which is kept. The page itself is one file, whatever its link says. */
async function answer(request) {
  const cache = await caches.open(CACHE);
  const page = request.mode === "navigate";
  const found = await cache.match(page ? scope : request, { ignoreSearch: page });
  if (found) return found;
  const fresh = await fetch(request);
  if (fresh.ok && !page) cache.put(request, fresh.clone()).catch(() => {}); // the disk may be full
  return fresh;
}

/** Whether a page is this site's: its folder, or the file in it. */
const isPage = ({ mode, url }) =>
  mode !== "navigate" || ["", "index.html"].includes(new URL(url).pathname.slice(new URL(scope).pathname.length));

worker.addEventListener("install", (event) => event.waitUntil(keep(CORE.map((path) => new URL(path, scope).href))));
worker.addEventListener("activate", (event) => event.waitUntil(removeOthers().then(() => worker.clients.claim())));
worker.addEventListener("message", (event) => event.waitUntil(keep(event.data.loaded).catch(() => {})));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method === "GET" && request.url.startsWith(scope) && isPage(request)) event.respondWith(answer(request));
});
