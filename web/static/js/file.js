// The taxpayer's file: a position's details come when it is opened, and the list is walked with the arrows.

import "./drafts.js";
import "./picks.js";
import { keyOf } from "./keys.js";
import { serverNow } from "./live.js";

const BODY = "[data-detail]";

const asked = new WeakSet(); // a change of the position brings another element, which asks anew

/** Ask for the details of every open position that does not have them yet, once htmx has it and can answer. */
function fill() {
  for (const body of document.querySelectorAll(`details.position[open] > ${BODY}[data-htmx-powered]`)) {
    if (asked.has(body)) continue;
    asked.add(body);
    window.htmx.trigger(body, "wanted");
  }
}

document.addEventListener("toggle", fill, true);
new MutationObserver(fill).observe(document.body, { childList: true, subtree: true, attributeFilter: ["data-htmx-powered"] });
for (const failure of ["htmx:error", "htmx:response:error"]) {
  document.addEventListener(failure, (event) => event.target.matches?.(BODY) && asked.delete(event.target));
}

const MOST_SHOWN = 500; // entries of the timeline that are asked for anew, as the server allows
const STEPS = { ArrowDown: 1, ArrowUp: -1 };

document.addEventListener("keydown", (event) => {
  if (keyOf(event) === "f") {
    document.querySelector("details.position > summary")?.focus();
    event.preventDefault();
    return;
  }
  const here = event.target.closest?.("details.position > summary");
  if (!here || event.altKey || event.ctrlKey || event.metaKey) return;
  const lines = [...document.querySelectorAll("details.position > summary")];
  const place = lines.indexOf(here);
  if (event.key in STEPS) lines[place + STEPS[event.key]]?.focus();
  else if (event.key === "Home") lines[0].focus();
  else if (event.key === "End") lines.at(-1).focus();
  else if (event.key === "Escape") here.parentElement.open = false;
  else return;
  event.preventDefault();
});

// -- the timeline: a region that is pushed leaves it as it is filtered and read; what is new is asked for ------------------

const TIMELINE = "[data-timeline]";

new MutationObserver((changes) => {
  for (const { target } of changes) if (target.matches(TIMELINE)) window.htmx.trigger(target, "wanted");
}).observe(document.body, { subtree: true, attributeFilter: ["data-version"] });
document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  const list = ctx.sourceElement;
  if (list.matches(TIMELINE)) ctx.request.body.set("least", Math.min(list.children.length, MOST_SHOWN));
});

// Who asked for what was before reads on there.
let above = null; // the last entry that was shown
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  above = ctx.sourceElement.closest(".timeline-more")?.previousElementSibling ?? above;
});
document.addEventListener("htmx:after:swap", () => {
  const next = above?.nextElementSibling;
  if (!next || next.matches(".timeline-more")) return;
  above = null;
  if (!document.activeElement.matches("body, h2[tabindex='-1']")) return;
  next.tabIndex = -1;
  next.focus();
});

// Whoever speaks and is not known yet is described beside the questions.
function describeSpeaker() {
  const choice = document.querySelector("[name=speaker]");
  const more = choice?.closest("form")?.querySelector(".new-speaker");
  if (more && more.hidden === (choice.value === "new")) more.hidden = choice.value !== "new";
}
document.addEventListener("change", describeSpeaker);
new MutationObserver(describeSpeaker).observe(document.body, { childList: true, subtree: true });

window.addEventListener("beforeprint", () => document.querySelectorAll("details.qr-box").forEach((one) => (one.open = true)));
fill();

// When its time is over the file leaves the screen too, not the server alone.
const LOOK_MS = 5000;
setInterval(() => {
  const end = document.querySelector("[data-reload-at]");
  if (end && serverNow() > Date.parse(end.dataset.reloadAt)) location.reload();
}, LOOK_MS);
