// The agent's console: his telephone, his keys, and his drafts. The server decides what is true; this page shows it.

import { notify } from "./live.js";

const csrf = JSON.parse(document.body.getAttribute("hx-headers:inherited"))["X-CSRF-Token"];
const post = (path, fields = {}) =>
  fetch(path, {
    method: "POST",
    headers: { "X-CSRF-Token": csrf, accept: "application/json" },
    body: new URLSearchParams(fields),
    keepalive: true, // said also while the page is being left
  });

// -- the telephone: one tab leads ------------------------------------------------------------------------------

const LOCK = "filodiretto-telephone";
const RETRY_MS = 1000;
const tab = crypto.randomUUID?.() ?? `${Math.random()}`.slice(2);

let device = null;
let leading = false;
let registered = false; // what the device says
let told = null; // what the server has acknowledged of it
let wantsToAnswer = false; // pressed before the carrier's ring reached this device

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

let telling = null; // one conversation with the server at a time, so that its last word is ours

function tellDevice() {
  telling ??= sayUntilHeard().finally(() => (telling = null));
}

async function sayUntilHeard() {
  while (told !== registered) {
    const saying = registered;
    try {
      const answer = await post("/console/device", { ready: saying, device: tab });
      if (answer.ok || answer.status === 401) told = saying;
    } catch {
      // the server is away: say it again
    }
    if (told !== saying) await pause(RETRY_MS);
  }
}

function isRegistered(now) {
  registered = now;
  tellDevice();
}

async function credentials() {
  for (;;) {
    try {
      const answer = await fetch("/console/device", { headers: { accept: "application/json" } });
      if (answer.ok) return await answer.json();
      if (answer.status === 401 || answer.status === 403) return null;
    } catch {
      // the server is away
    }
    await pause(RETRY_MS);
  }
}

async function startDevice() {
  const given = await credentials();
  if (!given) return;
  const { Device } = await import(`./softphone/${given.kind}.js`);
  device = new Device(given);
  device.addEventListener("registered", () => isRegistered(true));
  device.addEventListener("unregistered", () => isRegistered(false));
  device.addEventListener("incoming", () => wantsToAnswer && answer());
  for (const over of ["connected", "cancelled", "ended"]) device.addEventListener(over, () => (wantsToAnswer = false));
  device.addEventListener("error", (event) => notify(event.detail?.message ?? document.getElementById("notice").dataset.phoneFailed));
  device.register();
}

function answer() {
  wantsToAnswer = true;
  device?.accept();
}

function stopDevice() {
  device?.destroy();
  device = null;
}

// Whether the telephone is in this tab is a state of the page, not of a region that the server swaps.
const inThisTab = (leads) => (document.body.dataset.telephone = leads ? "here" : "elsewhere");

function lead(steal) {
  if (!navigator.locks) return startDevice(); // plain HTTP on another host: browsers give no locks there
  return navigator.locks
    .request(LOCK, { steal }, async () => {
      leading = true;
      inThisTab(true);
      await startDevice();
      await new Promise(() => {}); // until the tab closes, or another takes the telephone
    })
    .catch(() => {
      leading = false;
      stopDevice();
      inThisTab(false);
      return lead(false); // again when the other tab closes
    });
}

lead(false);
navigator.locks?.query().then(({ pending }) => pending.some((lock) => lock.name === LOCK) && !leading && inThisTab(false));
window.addEventListener("pagehide", stopDevice);

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
  told = null;
  if (device) tellDevice();
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

const title = document.title;
let lastState = "";
function announce() {
  // The server thinks that the telephone is gone (it restarted, or a call was cut off): say that it is here.
  if (registered && document.getElementById("device")?.dataset.device === "off") {
    told = null;
    tellDevice();
  }
  const band = document.getElementById("band");
  const state = `${band.dataset.state}:${band.dataset.call}`;
  if (state === lastState) return;
  lastState = state;
  const said = band.querySelector(".band-state")?.textContent.replace(/\s+/g, " ").trim();
  document.getElementById("say").textContent = said ?? "";
  document.title = band.dataset.state === "ringing" ? `☎ ${said}` : title;
  if (band.dataset.state === "ringing" && document.activeElement === document.body) band.querySelector(".answer")?.focus();
}
new MutationObserver(announce).observe(document.body, { childList: true, subtree: true, attributes: true });
announce();
