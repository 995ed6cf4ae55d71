// The service worker that keeps this page: a new version waits until no visit is open.

import { say } from "./screens.js";

let registration = null;
let reloading = false;

async function registered() {
  if (!("serviceWorker" in navigator)) return null;
  try {
    return await navigator.serviceWorker.register(`/door/sw.js?lang=${document.body.dataset.lang}`, { scope: "/door", updateViaCache: "none" });
  } catch {
    return null; // the page works while there is a network
  }
}

// Let a version that waits take over, unless a visit is open.
export async function shellIn(visitOpen) {
  const waiting = registration?.waiting;
  if (!waiting) return;
  if (visitOpen()) return say("new");
  reloading = true;
  waiting.postMessage("take-over");
}

export async function lookForNew(visitOpen) {
  const before = navigator.serviceWorker?.controller;
  navigator.serviceWorker?.addEventListener("controllerchange", () => {
    if (before && reloading) location.reload();
  });
  registration = await registered();
  registration?.addEventListener("updatefound", () => {
    registration.installing?.addEventListener("statechange", ({ target }) => {
      if (target.state === "installed" && navigator.serviceWorker.controller) shellIn(visitOpen);
    });
  });
  await shellIn(visitOpen);
}
