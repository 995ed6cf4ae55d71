// Follow-ups: forms that open where they are asked for, and a list that is worked through with the keyboard.

import "./drafts.js";
import { keyOf } from "./keys.js";
import { succeeded } from "./live.js";

const rows = () => [...document.querySelectorAll("#todo a.who")].filter((one) => one.checkVisibility());
const rowOf = (element) => element?.closest?.(".todo");

let place = 0; // of the row that had the focus last

document.addEventListener("focusin", (event) => {
  const at = rows().indexOf(rowOf(event.target)?.querySelector("a.who"));
  if (at >= 0) place = at;
});

// -- the forms -------------------------------------------------------------------------------------------------------

document.addEventListener("htmx:after:swap", () => {
  const asked = document.querySelector(".follow-up-slot [data-first]:not([data-seen]), .follow-up-slot form:not([data-seen]) select");
  if (asked) {
    asked.dataset.seen = "";
    asked.form.dataset.seen = "";
    asked.focus({ preventScroll: true });
    asked.form.scrollIntoView({ block: "nearest" });
  }
});

document.addEventListener("change", (event) => {
  const { name, value, form } = event.target;
  if (form && (name === "day" || name === "kind")) form.dataset[name] = value;
});

function close(slot) {
  const opener = slot.closest(".todo, .promise")?.querySelector("a.who, [data-key]");
  slot.replaceChildren();
  opener?.focus();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-close-slot]")) close(event.target.closest(".follow-up-slot"));
});
document.addEventListener("keydown", (event) => {
  const slot = event.key === "Escape" && event.target.closest?.(".follow-up-slot");
  if (slot) close(slot);
});

// -- the list: what was done goes away, and the focus stays where it was ---------------------------------------------

document.addEventListener("htmx:after:request", (event) => {
  const form = event.target.closest?.(".todo .follow-up-slot form");
  if (form && succeeded(event) && event.target === form) close(form.closest(".follow-up-slot"));
});

const list = document.getElementById("todo");
if (list) {
  new MutationObserver(() => {
    const kind = document.body.dataset.kind;
    document.body.classList.toggle("none-of-kind", Boolean(kind) && document.querySelector(".todo") !== null && rows().length === 0);
    if (document.activeElement !== document.body || place < 0) return;
    rows()[Math.min(place, rows().length - 1)]?.focus();
  }).observe(document.getElementById("main"), { childList: true, subtree: true });
}

document.getElementById("only-kind")?.addEventListener("change", (event) => {
  document.body.dataset.kind = event.target.value;
  document.body.classList.toggle("none-of-kind", rows().length === 0 && document.querySelector(".todo") !== null);
});

document.addEventListener("keydown", (event) => {
  if (!list || event.target.closest("input, textarea, select")) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const all = rows();
    const at = all.indexOf(rowOf(event.target)?.querySelector("a.who"));
    const next = at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1);
    all[Math.max(0, Math.min(next, all.length - 1))]?.focus();
    event.preventDefault();
  }
});
document.addEventListener("keydown", (event) => {
  const key = keyOf(event);
  if (!list || key === null) return;
  const button = key === "z" ? document.querySelector("#told [data-undo]") : rowOf(event.target)?.querySelector(`[data-do="${CSS.escape(key)}"]`);
  if (button) {
    event.preventDefault();
    button.click();
  }
});
