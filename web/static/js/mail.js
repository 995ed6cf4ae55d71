// Writing an answer: colleagues see who has begun; a template goes into the text, and what it leaves open is said.

import { post } from "./drafts.js";

const form = document.getElementById("answer");
const EVERY_MS = 60_000;
let told = 0;

form?.addEventListener("input", () => {
  if (Date.now() - told < EVERY_MS) return;
  told = Date.now();
  post(form.dataset.answering);
});

document.addEventListener("change", ({ target }) => {
  const into = document.getElementById(target.dataset?.into ?? "");
  if (!into || !target.value) return;
  const { holes } = target.selectedOptions[0].dataset;
  into.value = into.value ? `${into.value.trimEnd()}\n\n${target.value}` : target.value;
  const why = document.getElementById(target.dataset.why);
  why.textContent = holes ? `${why.dataset.says} ${holes}` : "";
  target.value = "";
  into.dispatchEvent(new Event("input", { bubbles: true }));
  into.focus();
});

// A file that was taken stands in the list below: the field is ready for the next one.
document.addEventListener("htmx:after:request", ({ target }) => {
  if (target.matches?.("input[type=file][form=mail-files]")) target.value = "";
});

// What came while somebody writes is shown above; he says that he has read it before he sends.
const moved = document.getElementById("mail-moved");
const version = form?.elements.version;

function compare() {
  const now = document.getElementById("mail-live")?.dataset.version;
  if (moved && version && now) moved.hidden = now === version.value;
}

document.addEventListener("htmx:ws:after:message:incoming", compare);
moved?.querySelector("[data-seen]").addEventListener("click", () => {
  version.value = document.getElementById("mail-live").dataset.version;
  compare();
  document.getElementById("text").focus();
});
