// A supervisor's ear: his telephone comes to this tab when he enters a conversation, and picks up by itself.

import { isSpokenOn, telephoneAt } from "./telephone.js";

const LOCK = telephoneAt("/console"); // the console's: one tab has the telephone
const ear = document.getElementById("ear");
let device = null;
let letGo = null;

function show(state) {
  ear.textContent = ear.dataset[state];
  ear.classList.toggle("is-on", state === "on");
  ear.classList.toggle("is-failed", state === "failed");
}

async function start() {
  const answer = await fetch("/console/device", { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`device ${answer.status}`);
  const given = await answer.json();
  const { Device } = await import(`./softphone/${given.kind}.js`);
  device = new Device(given);
  device.addEventListener("incoming", () => device.accept());
  device.addEventListener("connected", () => show("on"));
  device.addEventListener("ended", stop); // the console has it again; left here it would pick up whatever rings
  device.addEventListener("error", () => show("failed"));
  const registered = new Promise((done) => device.addEventListener("registered", done, { once: true }));
  device.register();
  await registered;
}

function stop() {
  device?.destroy();
  device = null;
  letGo?.();
  show("off");
}

/** The telephone is in this tab, registered. Another tab that takes it afterwards has it. */
let here = null;
function takeTelephone() {
  if (device) return Promise.resolve();
  here ??= take().finally(() => (here = null));
  return here;
}

async function take() {
  if (await isSpokenOn(LOCK)) throw new Error("busy");
  await new Promise((done, failed) => {
    const keep = () => new Promise((end) => (letGo = end, done()));
    const work = () => start().then(keep, (error) => (stop(), failed(error)));
    if (!navigator.locks) work();
    else navigator.locks.request(LOCK, { steal: true }, work).catch(stop);
  });
}

// The carrier rings as soon as it is asked: so the telephone is made ready first, and the press comes after it.
document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest("[data-watch]");
    if (!button || device) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    takeTelephone().then(() => document.getElementById(button.id)?.click(), ({ message }) => show(message === "busy" ? "busy" : "failed")); // morphed meanwhile, perhaps
  },
  { capture: true },
);
window.addEventListener("pagehide", stop);
