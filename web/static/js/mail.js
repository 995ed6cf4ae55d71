// Who begins to write an answer says so, and again while he goes on: colleagues see it.

import { post } from "./drafts.js";

const form = document.getElementById("answer");
const EVERY_MS = 60_000;
let told = 0;

form?.addEventListener("input", () => {
  if (Date.now() - told < EVERY_MS) return;
  told = Date.now();
  post(form.dataset.answering);
});
