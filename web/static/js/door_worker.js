// Keeps the shell of /door: its page and files. `VERSION` and `SHELL` stand before this. Nothing else is ever kept.

const CACHE = `door-${VERSION}`;

// Whole or not at all: with one file missing this version does not install, and the one before goes on.
async function fill() {
  const cache = await caches.open(CACHE);
  for (const path of SHELL) {
    const answer = await fetch(path, { cache: "reload", credentials: "same-origin" });
    if (!answer.ok || answer.redirected) {
      await caches.delete(CACHE);
      throw new Error(`not to be had: ${path}`);
    }
    await cache.put(path, answer);
  }
}

async function takeOver() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("door-") && name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function kept(request) {
  const cache = await caches.open(CACHE);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(fill()));
self.addEventListener("activate", (event) => event.waitUntil(takeOver()));
self.addEventListener("fetch", (event) => {
  const { pathname, origin } = new URL(event.request.url);
  if (event.request.method === "GET" && origin === self.location.origin && SHELL.includes(pathname)) {
    event.respondWith(kept(event.request));
  }
});
// The page says when no visit is open.
self.addEventListener("message", (event) => {
  if (event.data === "take-over") self.skipWaiting();
  if (event.data === "version") event.ports[0]?.postMessage(VERSION);
});
// The network is back: the page has the key to what waits, so it is told.
self.addEventListener("sync", (event) => {
  const tell = async () => (await self.clients.matchAll()).forEach((one) => one.postMessage("send"));
  if (event.tag === "door-outbox") event.waitUntil(tell());
});
