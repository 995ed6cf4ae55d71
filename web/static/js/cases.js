// Cases change under whoever looks at them: what others did is shown without a reload. What he is writing stays, and he
// is told that it may no longer fit.

import { post } from "./drafts.js";

const EVERY_MS = 60_000; // that he still writes
const REST_MS = 1_000; // several changes at once are one
const stamp = () => document.getElementById("case-live")?.dataset.stamp ?? "";
let known = stamp();
let waiting = null;

const writes = (part) => part.querySelector("[data-written]") !== null || part.contains(document.activeElement?.closest("input, textarea, select"));

// What it tells, and of which version of the case its forms are.
const says = (part) => part.textContent + (part.querySelector("[name=version]")?.value ?? "");

async function show() {
  waiting = null;
  const answer = await fetch(location.href, { headers: { accept: "text/html", "x-refresh": "1" } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live-part]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || says(fresh) === says(part)) continue;
    if (writes(part)) {
      document.getElementById("case-changed").hidden = false;
      continue;
    }
    const open = new Set([...part.querySelectorAll("details[open] > summary")].map((one) => one.textContent));
    for (const one of fresh.querySelectorAll("details > summary")) if (open.has(one.textContent)) one.parentElement.open = true;
    part.replaceWith(fresh);
    window.htmx.process(fresh);
  }
}

document.addEventListener("htmx:ws:after:message:incoming", () => {
  const heard = stamp();
  if (!heard || heard === known) return;
  const first = !known;
  known = heard;
  if (!first) waiting ??= setTimeout(show, REST_MS);
});

let told = 0;
document.addEventListener("input", ({ target }) => {
  const form = target.closest("form[hx-post]");
  const begun = document.getElementById("case-changed")?.dataset.begins;
  if (!form || !begun) return;
  form.dataset.written = "";
  if (Date.now() - told < EVERY_MS) return;
  told = Date.now();
  post(begun);
});
