// A screen on a wall turns its pages by the centre's clock, so that it goes on where it was after any restart.

import { serverNow } from "./live.js";

const REVOKED = 4410;
const main = document.getElementById("main");
const hold = document.getElementById("hold");
const buttons = [...document.querySelectorAll("[data-go]")];
const pages = buttons.map((one) => one.dataset.go);
const ms = Number(main.dataset.seconds) * 1000;

function show(page) {
  if (main.dataset.shown !== page) main.dataset.shown = page;
  for (const one of buttons) {
    const current = one.dataset.go === page ? "true" : "false";
    if (one.getAttribute("aria-current") !== current) one.setAttribute("aria-current", current);
  }
}

function pause(on) {
  hold.setAttribute("aria-pressed", on ? "true" : "false");
}

setInterval(() => {
  if (hold.getAttribute("aria-pressed") === "false") show(pages[Math.floor(serverNow() / ms) % pages.length]);
}, 500);
for (const one of buttons) {
  one.addEventListener("click", () => {
    pause(true);
    show(one.dataset.go);
  });
}
hold.addEventListener("click", () => pause(hold.getAttribute("aria-pressed") === "false"));
document.addEventListener("htmx:ws:close", (event) => {
  if (event.detail.code === REVOKED) {
    document.getElementById("revoked").hidden = false;
    main.hidden = true;
  }
});
show(pages[0]);
