// A screen on a wall turns its sheets by the centre's clock, so that it goes on where it was after any restart.
// How many sheets there are is read anew each time: a queue or a level more comes by as well.

import { serverNow } from "./live.js";

const REVOKED = 4410;
const main = document.getElementById("main");
const hold = document.getElementById("hold");
const buttons = [...document.querySelectorAll("[data-go]")];
const ms = Number(main.dataset.seconds) * 1000;
const sheets = () => [...main.querySelectorAll("[data-wall-page]")];
const held = () => hold.getAttribute("aria-pressed") === "true";

let shown = { wallPage: buttons[0].dataset.go, part: "1" };

function same(sheet, other) {
  return sheet.wallPage === other.wallPage && sheet.part === other.part;
}

function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

function show({ wallPage, part }) {
  const there = sheets();
  const one = there.find((sheet) => same(sheet.dataset, { wallPage, part })) ?? there.find((sheet) => sheet.dataset.wallPage === wallPage);
  if (!one) return;
  shown = { wallPage, part: one.dataset.part };
  for (const sheet of there) {
    if (sheet.classList.contains("is-shown") !== (sheet === one)) sheet.classList.toggle("is-shown", sheet === one);
  }
  set(main, "data-shown", wallPage);
  set(main, "data-part", shown.part);
  for (const button of buttons) set(button, "aria-current", button.dataset.go === wallPage ? "true" : "false");
}

function turn() {
  const there = sheets();
  if (!held() && there.length) show({ ...there[Math.floor(serverNow() / ms) % there.length].dataset });
}

function pause(on) {
  hold.setAttribute("aria-pressed", on ? "true" : "false");
}

setInterval(turn, 500);
// Live figures come with new sheets, which do not know which of them is shown: said before anything is painted.
new MutationObserver(() => show(shown)).observe(main, { childList: true, subtree: true, attributeFilter: ["class"] });
for (const one of buttons) {
  one.addEventListener("click", () => {
    pause(true);
    const mine = sheets().filter((sheet) => sheet.dataset.wallPage === one.dataset.go);
    const at = mine.findIndex((sheet) => same(sheet.dataset, shown));
    show({ ...mine[(at + 1) % mine.length].dataset }); // pressed again, its next sheet
  });
}
hold.addEventListener("click", () => pause(!held()));
document.addEventListener("htmx:ws:close", (event) => {
  if (event.detail.code === REVOKED) {
    document.getElementById("revoked").hidden = false;
    main.hidden = true;
  }
});
show(shown);
turn();
