// The kiosk: a ticket prints itself, and the page goes back to the start for whoever comes next.

const BACK_MS = 15_000;
const IDLE_MS = 60_000; // a language or a half-typed code is not left to the next one
const ticket = document.querySelector("[data-ticket]");

if (ticket) {
  document.getElementById("print").addEventListener("click", () => window.print());
  if (!window.matchMedia("print").matches) setTimeout(() => window.print(), 300);
  setTimeout(() => location.assign(ticket.dataset.home), BACK_MS);
} else {
  let timer;
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(() => location.assign(location.pathname.split("/").slice(0, 3).join("/")), IDLE_MS);
  };
  for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, wait);
  wait();
}
