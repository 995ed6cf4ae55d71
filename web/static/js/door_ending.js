// In the place of a worker that is not to go on: it forgets the shell, and is gone. What waits to be sent stays.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil((async () => {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith("door-")).map((name) => caches.delete(name)));
  await self.clients.claim();
  await self.registration.unregister();
})()));
