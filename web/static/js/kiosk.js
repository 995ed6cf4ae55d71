// The kiosk: a ticket prints itself, and the page goes back to the start for whoever comes next. It is left only for a page
// that the server has: a browser's own page of errors would stand there until somebody of the staff comes by.

const BACK_MS = 15_000;
const IDLE_MS = 60_000; // a language or a half-typed code is not left to the next one
const AGAIN_MS = 5_000;
const GONE = 404; // the link was revoked: that page says so
const REFUSED = 422;
const page = () => document.getElementById("main");
const isTicket = "ticket" in page().dataset;

let timer;
function wait() {
  clearTimeout(timer);
  timer = setTimeout(goHome, isTicket ? BACK_MS : IDLE_MS);
}

async function goHome() {
  const home = page().dataset.home;
  try {
    const answer = await fetch(home, { cache: "no-store" });
    if (answer.ok || answer.status === GONE) return location.assign(home);
  } catch { /* it is not there: see below */ }
  tellAway();
  timer = setTimeout(goHome, AGAIN_MS);
}

function tellAway() {
  const sentence = document.getElementById("away");
  if (sentence) sentence.hidden = false;
}

// One press is one number, and one code: what is asked meanwhile is dropped.
let asking = false;
document.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (asking) return;
  asking = true;
  const { target: form, submitter } = event;
  const told = new URLSearchParams(new FormData(form));
  if (submitter?.name) told.append(submitter.name, submitter.value);
  try {
    const answer = await fetch(form.action, { method: "POST", body: told });
    if (answer.redirected && answer.ok) return location.assign(answer.url); // and nothing more is asked from here
    if (answer.status === GONE) return location.assign(page().dataset.home);
    if (answer.status !== REFUSED || !show(await answer.text())) tellAway();
  } catch {
    tellAway();
  }
  asking = false;
});

function show(text) {
  const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
  if (!fresh?.dataset.home) return false;
  page().replaceWith(fresh);
  document.getElementById("code").focus();
  return true;
}

// What a reader reads goes into the box, wherever the page was touched last.
document.addEventListener("keydown", (event) => {
  const code = document.getElementById("code");
  if (code && event.target === document.body && /^\w$/.test(event.key)) code.focus();
});

for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, wait);
wait();
if (isTicket) {
  document.getElementById("print").addEventListener("click", () => window.print());
  if (!window.matchMedia("print").matches) setTimeout(() => window.print(), 300);
}
