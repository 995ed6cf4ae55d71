// The contact's card: forms close once what they held is written; beside a call or a file it is fetched when opened.

import "./drafts.js";
import { succeeded } from "./live.js";

const CARD = "[data-card]"; // where it is beside something else

/** What was typed is kept until it is written; then the form is empty, and the keyboard stays where it was. */
document.addEventListener("htmx:after:request", (event) => {
  if (!succeeded(event)) return;
  const card = event.target.closest?.(CARD);
  if (card && !card.dataset.version && !event.target.matches?.("[data-card-holder]")) ask(card); // nobody tells this page
  const form = event.target.closest?.("form[data-once], form[data-close]");
  if (!form) return;
  if (form.matches("[data-once]")) form.reset();
  const box = form.closest("details.add");
  if (!box) return;
  box.open = false;
  box.querySelector("summary")?.focus();
});

// Opening a form oneself puts the keyboard into it; Escape closes it and goes back.
const opened = new WeakSet();
document.addEventListener("click", (event) => {
  const summary = event.target.closest?.("details.add > summary");
  if (summary) opened.add(summary.parentElement);
}, true);
document.addEventListener("toggle", (event) => {
  const box = event.target;
  const himself = opened.delete(box);
  if (himself && box.matches("details.add[open]")) box.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  if (box.matches?.("details.card-box[open]")) fetchCard(box.querySelector(CARD));
}, true);
document.addEventListener("keydown", (event) => {
  const box = event.key === "Escape" && event.target.closest?.("details.add[open]");
  if (!box) return;
  box.open = false;
  box.querySelector("summary").focus();
});

// Beside a call: fetched when it is opened, and again when the contact changes (`data-version` does).
const fetched = new WeakMap();

function ask(card) {
  window.htmx.trigger(card.querySelector("[data-card-holder]"), "wanted");
}

function fetchCard(card) {
  if (!card || fetched.get(card) === card.dataset.version) return;
  fetched.set(card, card.dataset.version);
  ask(card);
}

new MutationObserver(() => {
  for (const card of document.querySelectorAll(`details.card-box[open] ${CARD}`)) fetchCard(card);
}).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-version"] });
