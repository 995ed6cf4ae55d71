// The agent's console: his telephone, his keys, and his drafts. The server decides what is true; this page shows it.

import { notify } from "./live.js";

const csrf = JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRF-Token"];
const post = (path, fields = {}) =>
  fetch(path, { method: "POST", headers: { "X-CSRF-Token": csrf }, body: new URLSearchParams(fields) });

// -- the telephone: one tab leads ------------------------------------------------------------------------------

let device = null;
let wasReady = null;
let releaseLead = null;
let wantsToAnswer = false; // pressed before the carrier's ring reached this device

async function tellDevice(ready) {
  if (wasReady === ready) return;
  wasReady = ready;
  try {
    const answer = await post("/console/device", { ready });
    if (!answer.ok) throw new Error(answer.status);
  } catch {
    wasReady = null; // asked again when the socket is back
  }
}

async function startDevice() {
  const answer = await fetch("/console/device", { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const { kind, token, url } = await answer.json();
  const { Device } = await import(`./softphone/${kind}.js`);
  device = new Device({ token, url });
  device.addEventListener("registered", () => tellDevice(true));
  device.addEventListener("unregistered", () => tellDevice(false));
  device.addEventListener("incoming", () => wantsToAnswer && answer());
  for (const over of ["connected", "cancelled", "ended"]) device.addEventListener(over, () => (wantsToAnswer = false));
  device.addEventListener("error", (event) => notify(event.detail?.message ?? "Telefono: errore"));
  device.register();
}

function answer() {
  wantsToAnswer = true;
  device?.accept();
}

function stopDevice() {
  device?.destroy();
  device = null;
  wasReady = null;
}

function showLeader(leads) {
  const here = document.querySelector('[data-phone="here"]');
  if (here) here.hidden = leads;
}

async function lead(steal) {
  if (!navigator.locks) return startDevice(); // plain HTTP on another host: browsers give no locks there
  navigator.locks
    .request("filodiretto-telephone", { steal }, async () => {
      showLeader(true);
      await startDevice();
      await new Promise((done) => (releaseLead = done));
    })
    .catch(() => {}) // another tab took the telephone
    .finally(() => {
      stopDevice();
      showLeader(false);
      lead(false); // lead again when the other tab closes
    });
  const { held } = await navigator.locks.query();
  showLeader(Boolean(device) || !held.some((lock) => lock.name === "filodiretto-telephone"));
}

lead(false);
window.addEventListener("pagehide", () => {
  stopDevice();
  releaseLead?.();
});

document.addEventListener("click", (event) => {
  const action = event.target.closest("[data-phone]")?.dataset.phone;
  if (action === "accept") answer();
  if (action === "here") lead(true);
  if (action === "mute") {
    const button = event.target.closest("button");
    const muted = button.getAttribute("aria-pressed") !== "true";
    device?.mute(muted);
    button.setAttribute("aria-pressed", muted);
    const word = button.querySelector("[data-on]");
    word.textContent = muted ? word.dataset.off : word.dataset.on;
  }
});

// When the socket is back, say again whether the telephone is there: the server may have restarted meanwhile.
document.addEventListener("htmx:ws:after:connection", () => {
  const ready = wasReady;
  wasReady = null;
  if (ready !== null) tellDevice(ready);
});

// -- keys, each with a modifier ---------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "?" && !typing) {
    const help = document.getElementById("shortcuts");
    help.open = !help.open;
    return;
  }
  if (!event.altKey || event.ctrlKey || event.metaKey) return;
  const key = event.code.replace("Key", "").toLowerCase();
  if (key === "n") {
    document.getElementById("note")?.focus();
    event.preventDefault();
    return;
  }
  const button = document.querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);
  if (button) {
    event.preventDefault();
    button.click();
  }
});

// -- drafts: saved from the first pause in typing ---------------------------------------------------------------

function draftState(form, name) {
  const state = form.querySelector("[data-draft-state]");
  for (const part of state.querySelectorAll("span")) part.hidden = !part.classList.contains(name);
}

document.addEventListener("htmx:after:request", (event) => {
  const form = event.target.closest?.("form[data-draft]");
  if (form) draftState(form, event.detail.ctx?.response?.status === 204 ? "saved" : "unsaved");
});
document.addEventListener("htmx:error", (event) => {
  const form = event.target.closest?.("form[data-draft]");
  if (!form) return;
  draftState(form, "unsaved");
  setTimeout(() => form.isConnected && window.htmx.trigger(form, "change"), 2000);
});

// -- what a screen reader hears, and where the focus goes ---------------------------------------------------------

let lastState = "";
function announce() {
  const band = document.getElementById("band");
  const state = `${band.dataset.state}:${band.dataset.call}`;
  if (state === lastState) return;
  lastState = state;
  const said = band.querySelector(".band-state")?.textContent.replace(/\s+/g, " ").trim();
  document.getElementById("say").textContent = said ?? "";
  document.title = band.dataset.state === "ringing" ? `☎ ${said}` : document.title.replace(/^☎ .*/, "Console · Filodiretto");
  if (band.dataset.state === "ringing" && document.activeElement === document.body) band.querySelector(".answer")?.focus();
}
new MutationObserver(announce).observe(document.querySelector(".band-row"), { childList: true, subtree: true, attributes: true });
announce();
