// The contact's card: forms close once what they held is written; beside a call or a file it is fetched when opened.

const HOLDER = "[data-card]";

function succeeded(event) {
  return event.detail.ctx?.response?.status < 300;
}

/** What was typed is kept until it is written; then the form is empty, and the keyboard stays where it was. */
document.addEventListener("htmx:after:request", (event) => {
  const form = event.target.closest?.("form[data-once], form[data-close]");
  if (!form || !succeeded(event)) return;
  if (form.matches("[data-once]")) form.reset();
  const box = form.closest("details.add");
  if (!box) return;
  box.open = false;
  box.querySelector("summary")?.focus();
});

// Opening a form puts the keyboard into it; Escape closes it and goes back.
document.addEventListener("toggle", (event) => {
  const box = event.target;
  if (box.matches?.("details.add[open]")) box.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  if (box.matches?.("details.card-box[open]")) fetchCard(box.querySelector(HOLDER));
}, true);
document.addEventListener("keydown", (event) => {
  const box = event.key === "Escape" && event.target.closest?.("details.add[open]");
  if (!box) return;
  box.open = false;
  box.querySelector("summary").focus();
});

// On a page that is no console the keys are listened to here.
document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || document.body.classList.contains("console")) return;
  const key = event.code.startsWith("Key") ? event.code.slice(3).toLowerCase() : "";
  const button = key && document.querySelector(`[data-key="${key}"]:not(:disabled)`);
  if (!button) return;
  event.preventDefault();
  button.click();
});

// Beside a call: fetched when it is opened, and again when the contact changes (`data-version` does).
const fetched = new WeakMap();

function fetchCard(holder) {
  if (!holder || fetched.get(holder) === holder.dataset.version) return;
  fetched.set(holder, holder.dataset.version);
  window.htmx.trigger(holder, "wanted");
}

new MutationObserver(() => {
  for (const holder of document.querySelectorAll(`details.card-box[open] ${HOLDER}`)) fetchCard(holder);
}).observe(document.body, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-version"] });
