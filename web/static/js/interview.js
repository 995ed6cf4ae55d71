// An interview by keyboard: within the answers a digit chooses; Alt and an arrow go back and on. Enter is the browser's,
// but for a field of several lines.

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

/** In a field of several lines Enter begins the next one. */
function send(event) {
  if (event.key !== "Enter" || !event.ctrlKey || !event.target.matches?.("textarea")) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector("button.primary"));
}

form?.addEventListener("keydown", choose);
form?.addEventListener("keydown", send);
document.addEventListener("keydown", go);
form?.addEventListener("submit", (event) => {
  if (form.dataset.sent) return event.preventDefault(); // one answer, however often Enter is pressed
  form.dataset.sent = "yes";
});
const ending = document.querySelector(".survey-end");
ending?.addEventListener("toggle", () => ending.open && ending.querySelector("select").focus());
window.addEventListener("pageshow", (event) => event.persisted && location.reload()); // a page of the past is stale
form?.querySelector("[autofocus]")?.focus(); // the browser does it as it draws, later
if (form) form.dataset.listens = "yes";
