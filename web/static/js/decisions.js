// Deciding by keyboard: arrows go through the proposals, Space chooses.

import { succeeded } from "./live.js";

const boxes = () => [...document.querySelectorAll('#proposals input[name="proposal"]')];

function count() {
  const chosen = boxes().filter((box) => box.checked).length;
  for (const place of document.querySelectorAll("[data-chosen]")) {
    place.textContent = `${chosen} ${chosen === 1 ? place.dataset.one : place.dataset.chosen}`;
  }
}

document.addEventListener("keydown", (event) => {
  const all = boxes();
  const at = all.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !all.length || (at < 0 && document.activeElement !== document.body)) return;
  all[Math.min(all.length - 1, Math.max(0, at + step))].focus();
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  if (!event.target.closest("#choose-all")) return;
  const all = boxes();
  const choose = !all.every((box) => box.checked);
  for (const box of all) box.checked = choose;
  count();
});

// A reason belongs to the proposals that were refused with it, not to the next ones.
document.addEventListener("htmx:after:request", (event) => {
  const form = event.target.closest?.("#decision");
  if (form && succeeded(event)) form.reset();
});

document.addEventListener("change", count);
document.addEventListener("htmx:ws:after:message:incoming", count);
