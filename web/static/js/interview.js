// An interview by keyboard: within the answers a digit chooses; Alt and an arrow go back and on. Enter is the browser's.

import { off } from "./keys.js";

const form = document.querySelector("[data-interview]");

/** A digit chooses only while the answers have the focus (WCAG 2.1, 2.1.4). */
function choose(event) {
  if (off || event.altKey || event.ctrlKey || event.metaKey || !/^\d$/.test(event.key)) return;
  if (!event.target.matches?.("input[type=radio], input[type=checkbox]")) return;
  const found = form.querySelector(`[data-digit="${event.key}"]`);
  if (!found) return;
  event.preventDefault();
  if (found.type === "checkbox") found.checked = !found.checked;
  else found.checked = true;
  found.focus();
}

function go(event) {
  const where = { ArrowLeft: "back", ArrowRight: "forward" }[event.key];
  if (off || !where || !event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault(); // else the browser leaves the page
  document.querySelector(`[data-go="${where}"]`)?.click();
}

form?.addEventListener("keydown", choose);
document.addEventListener("keydown", go);
form?.addEventListener("submit", (event) => {
  if (form.dataset.sent) return event.preventDefault(); // one answer, however often Enter is pressed
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", (event) => event.persisted && location.reload()); // a page of the past is stale
