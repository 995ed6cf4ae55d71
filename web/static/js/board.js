// The live board with the keyboard: what has the focus may go away with its fragment (a conversation ends, an agent
// goes home). The focus is then on what has come into its place, or on the fragment itself; never at the page's top.

import { succeeded } from "./live.js";

const CAN_HAVE_IT = "a[href], button:not(:disabled), input:not([type=hidden]), select, textarea, summary, [tabindex='0']";

let last = null;
let region = ""; // the fragment that it was in
let place = 0; // and which of those in it that can have the focus

const within = (id) => [...(document.getElementById(id)?.querySelectorAll(CAN_HAVE_IT) ?? [])].filter((one) => one.checkVisibility());

document.addEventListener("focusin", (event) => {
  last = event.target;
  region = last.closest("main section[id]")?.id ?? "";
  place = region ? within(region).indexOf(last) : 0;
});
document.addEventListener("pointerdown", () => setTimeout(() => {
  if (document.activeElement === document.body) last = null; // he let go of it himself
}));

function keep() {
  if (!last || !region || document.activeElement !== document.body || (last.isConnected && last.checkVisibility())) return;
  const there = within(region);
  const next = (last.id && document.getElementById(last.id)) || there[Math.min(Math.max(place, 0), there.length - 1)];
  if (next) next.focus();
  else {
    const box = document.getElementById(region);
    box?.setAttribute("tabindex", "-1");
    box?.focus();
  }
}

// What was just said to callers is not left in the form to be said twice.
document.addEventListener("htmx:after:request", (event) => {
  const form = event.target.closest?.(".say-now form");
  if (!form || !succeeded(event)) return;
  form.reset();
  form.closest("details").open = false;
  form.closest("details").querySelector("summary").focus();
});
document.addEventListener("htmx:after:swap", keep);
document.addEventListener("htmx:ws:after:message:incoming", () => setTimeout(keep));
