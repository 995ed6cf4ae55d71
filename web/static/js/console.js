// The agent's console: his telephone and his keys. The server decides what is true; this page shows it.

import { post } from "./drafts.js";
import { off } from "./keys.js";
import { notify, serverNow, succeeded } from "./live.js";
import { telephoneAt } from "./telephone.js";

const desk = document.getElementById("socket").dataset.desk; // the console, or practice, whose page this is as well

// -- the telephone: one tab leads ------------------------------------------------------------------------------

const LOCK = telephoneAt(desk); // who practises has another telephone, which is none
const RETRY_MS = 1000;
const AGAIN_MS = 5000; // until a telephone that did not start is tried again
const tab = crypto.randomUUID?.() ?? `${Math.random()}`.slice(2);

let device = null;
let leading = false;
let registered = false; // what the device says
let told = null; // what the server has acknowledged of it
let wantsToAnswer = false; // pressed before the carrier's ring reached this device
let onCall = null; // the call that this device speaks on
let muted = false;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

let telling = null; // one conversation with the server at a time, so that its last word is ours

function tellDevice() {
  telling ??= sayUntilHeard().finally(() => (telling = null));
}

async function sayUntilHeard() {
  while (told !== registered) {
    const saying = registered;
    try {
      const answer = await post(`${desk}/device`, { ready: saying, device: tab });
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
      const answer = await fetch(`${desk}/device`, { headers: { accept: "application/json" } });
      if (answer.ok) return await answer.json();
      if (answer.status === 401 || answer.status === 403) return null;
    } catch {
      // the server is away
    }
    await pause(RETRY_MS);
  }
}

let starting = 0; // which start of the telephone is the last one
let expiring = false; // its credentials are nearly over, and new ones have not come yet

async function startDevice() {
  const mine = ++starting;
  for (;;) {
    const given = await credentials();
    if (!given || mine !== starting) return;
    try {
      const { Device } = await import(`./softphone/${given.kind}.js`);
      if (mine !== starting) return;
      device = listenTo(new Device(given));
      return await device.register();
    } catch (error) {
      failed(error.message); // what it needs did not load, or the carrier refused
    }
    device?.destroy();
    await pause(AGAIN_MS);
    if (mine !== starting) return;
  }
}

function listenTo(one) {
  const on = (name, deed) => one.addEventListener(name, (event) => one === device && deed(event.detail));
  on("registered", () => isRegistered(true));
  on("unregistered", () => isRegistered(false));
  on("incoming", () => wantsToAnswer && answer());
  for (const over of ["connected", "cancelled", "ended"]) on(over, () => (wantsToAnswer = false));
  on("connected", ({ callSid }) => isOnCall(callSid));
  on("ended", () => isOnCall(null));
  on("expiring", renew);
  on("error", (detail) => failed(detail?.message)); // the carrier's own words
  return one;
}

async function renew() {
  expiring = true;
  const given = await credentials(); // none without a session: again once there is one
  if (!given) return;
  expiring = false;
  device?.setToken(given.token);
}

function failed(why) {
  notify(`${document.getElementById("notice").dataset.phoneFailed}${why ? ` (${why})` : ""}`);
}

function answer() {
  wantsToAnswer = true;
  device?.accept();
}

function stopDevice() {
  starting += 1;
  wantsToAnswer = false;
  device?.destroy();
  device = null;
  if (registered) isRegistered(false);
  isOnCall(null);
}

// Whether the microphone is on is a state of this device, not of a region that the server swaps: the regions have the
// words for both, and the page says which is true. Each call begins with the microphone on.
function isOnCall(callSid) {
  if (callSid !== onCall) setMuted(false);
  onCall = callSid;
  showCall();
}

function setMuted(now) {
  if (now !== muted) device?.mute(now);
  muted = now;
  showCall();
}

function showCall() {
  if (leading) tabs.postMessage({ onCall, muted });
  if (onCall) document.body.dataset.onCall = onCall;
  else delete document.body.dataset.onCall;
  document.body.dataset.microphone = muted ? "off" : "on";
  const bar = document.getElementById("muted");
  const isLeft = !muted && bar.contains(document.activeElement);
  bar.hidden = !muted;
  if (isLeft) (document.getElementById("mute") ?? document.getElementById("phone-title")).focus();
  showMuted();
}

function showMuted() {
  const button = document.getElementById("mute");
  if (button && button.getAttribute("aria-pressed") !== `${muted}`) button.setAttribute("aria-pressed", muted);
}

// Whether the telephone is in this tab is a state of the page, not of a region that the server swaps. What is pressed in
// another one is done by the tab that has it, which tells the others how it stands.
const tabs = new BroadcastChannel(LOCK);
const isElsewhere = () => document.body.dataset.telephone === "elsewhere";

function inThisTab(leads) {
  document.body.dataset.telephone = leads ? "here" : "elsewhere";
  if (leads) isOnCall(null);
  else tabs.postMessage({ asks: true });
}

tabs.addEventListener("message", ({ data }) => {
  if (leading && data.press) press(data.press, data.tone);
  else if (leading && data.asks) showCall();
  else if (isElsewhere() && "onCall" in data) {
    ({ onCall, muted } = data);
    showCall();
  }
});

function press(what, tone) {
  if (what === "accept") answer();
  if (what === "mute" && device) setMuted(!muted);
  if (what === "tone") device?.sendDigits(tone);
}

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
  const { phone, tone } = event.target.closest("[data-phone]")?.dataset ?? {};
  if (phone === "here") lead(true);
  else if (phone && isElsewhere()) tabs.postMessage({ press: phone, tone });
  else if (phone) press(phone, tone);
});

// When the socket is back, say again whether the telephone is there: the server may have restarted meanwhile.
document.addEventListener("htmx:ws:after:connection", () => {
  told = null;
  if (device) tellDevice();
  if (expiring) renew();
});

// -- a call that was asked for on another page: it leaves once the telephone is here, or it would ring nowhere ----------

const WISHED = "#call";
const WISHED_MS = 60_000; // whoever is not ready by then presses the button himself
const opened = Date.now();
let wishes = false; // from when the page is connected: buttons work by then

document.addEventListener("htmx:ws:after:connection", () => {
  wishes ||= location.hash === WISHED;
  if (wishes) history.replaceState(null, "", location.pathname);
  callWished();
});

function callWished() {
  const button = document.getElementById("call-him");
  const isHere = document.querySelector("#phone .device")?.dataset.device === "ready";
  if (!wishes || !button || !isHere || document.getElementById("band").dataset.state !== "ready") return;
  wishes = false;
  if (Date.now() - opened < WISHED_MS) button.click();
}

// An office chosen among the ente's fills in its number, where any number may be written.
document.addEventListener("change", (event) => {
  const field = document.getElementById(event.target.dataset.fills ?? "");
  if (field) field.value = event.target.value;
});

// -- keys, each with a modifier ---------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, textarea, select");
  if (event.key === "?" && !typing && !off) {
    const help = document.getElementById("shortcuts");
    help.open = !help.open;
  }
});

document.addEventListener("keydown", (event) => {
  const search = event.key === "Escape" && event.target.closest?.("form.search, #results");
  if (!search) return;
  document.getElementById("results")?.replaceChildren();
  document.getElementById("q")?.focus();
});

// -- time for the notes: whoever is typing what is not saved by itself is given a minute more, while there is one ----

const LAST_MS = 6000;
const TYPED = ".follow-up-slot textarea, .follow-up-slot input, .card-box[open] form input, .card-box[open] form textarea";
let putOff = ""; // the end that was put off last

setInterval(() => {
  const more = document.querySelector("[data-more-time]");
  const end = more?.closest("[data-until-box]").querySelector("time[data-until]").dataset.until;
  if (!end || end === putOff || Date.parse(end) - serverNow() > LAST_MS) return;
  const typing = [...document.querySelectorAll(TYPED)].some((one) => one.checkVisibility() && one.value !== one.defaultValue);
  if (!typing) return;
  putOff = end;
  more.click();
}, 1000);

// -- saved once more before the answer to the last time is here: if that was refused, with what is chosen by now ------

let saving = null;
let again = false;
const isSave = (element) => element.matches?.(".wrap-actions .primary");

document.addEventListener("click", (event) => saving?.contains(event.target) && (again = true), true);
document.addEventListener("htmx:before:request", ({ target }) => {
  if (!isSave(target)) return;
  saving = target;
  again = false;
});
document.addEventListener("htmx:after:request", (event) => {
  if (event.target !== saving) return;
  const button = saving;
  saving = null;
  if (again && !succeeded(event)) setTimeout(() => button.click()); // once htmx is done with the first
});

// -- the focus: what has it may go away with a region; it is then where the next thing is done ---------------------

const NEXT = {
  ringing: ["#answer"],
  talking: ["#speech:not([hidden]) #speech-title", "#file:not(:has(.proposal)) #q", "#file-title"], // never "identified": Enter pressed twice would be a lie
  offline: [".debrief .primary"], // how a practice call went
  wrap_up: ["#topic:has(option[value='']:checked)", "#disposition:has(option[value='']:checked)", ".wrap-actions .primary"],
};
const AT_ONCE = new Set(["ringing", "talking"]); // states in which whoever does nothing else is led there at once
const RESTING = "h2[tabindex='-1']";
const HEADINGS = { band: "#phone-title", phone: "#phone-title", file: "#file-title", talk: "#talk-title", speech: "#speech-title", texts: "#texts-title", thread: ".reply textarea", broadcasts: "#phone-title" };
let last = null; // what had the focus, and in which region
let lastRegion = "";

document.addEventListener("focusin", (event) => {
  last = event.target;
  lastRegion = last.closest(Object.keys(HEADINGS).map((id) => `#${id}`).join())?.id ?? "";
});
document.addEventListener("click", (event) => {
  event.target.closest(".passing summary")?.focus(); // also by its key: what it opens comes next
  if (document.activeElement === document.body) last = null; // he let go of it himself
  if (event.target.closest("#hang-up")) hungUp = true;
});

let aim = null; // where the next thing is done, as last seen
let hungUp = false; // he ended the call himself: he is not in the middle of reading the file

function keepFocus(state) {
  const next = first(NEXT[state] ?? []);
  const isNew = next !== aim;
  aim = next;
  if (state !== "talking" && state !== "wrap_up") hungUp = false;
  const active = document.activeElement;
  const lost = active === document.body && last && lastRegion && !(last.isConnected && last.checkVisibility());
  const there = HEADINGS[lastRegion];
  const goesOn = lastRegion === "thread" || lastRegion === "speech"; // what was said leaves room for the next
  if (lost) first(goesOn ? [there, ...(NEXT[state] ?? [])] : [...(NEXT[state] ?? []), there])?.focus();
  else if (isNew && (AT_ONCE.has(state) || hungUp) && (active === document.body || active.matches(RESTING) || isDoneWith(active))) next?.focus();
}

/** Whoever has hung up goes on to the outcome from a topic that is chosen, and from a search that was not begun. */
const isDoneWith = (active) => hungUp && ((active.matches("#topic") && active.value !== "") || (active.matches("#q") && active.value === ""));

const first = (places) => places.map((one) => document.querySelector(one)).find((one) => one?.checkVisibility());

let proposed = "";

/** Whoever was picked among the results stands above them now. */
function clearResults() {
  const now = document.querySelector(".proposal")?.dataset.contact ?? "";
  if (now && now !== proposed) {
    document.getElementById("results")?.replaceChildren();
    const search = document.getElementById("q");
    if (search) search.value = "";
  }
  proposed = now;
}

// -- the notes are one call's: those of the next take their place, however alike the two forms are ------------------

// Their fields have the same ids, by which a morph would keep what was chosen for the one in the other.
document.addEventListener("htmx:ws:before:message:incoming", (event) => {
  const data = event.detail.message?.data;
  const notes = document.querySelector("form.notes");
  if (notes && typeof data === "string" && data.includes("talk-title") && !data.includes(notes.id)) notes.remove();
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
  showMuted();
  clearResults();
  tell();
  callWished();
  const band = document.getElementById("band");
  keepFocus(band.dataset.state);
  const state = `${band.dataset.state}:${band.dataset.call}:${band.dataset.standing}`;
  if (state === lastState) return;
  lastState = state;
  const sign = band.querySelector(".band-state");
  const said = sign ? words(sign) : "";
  document.getElementById("say").textContent = said;
  document.title = band.dataset.state === "ringing" ? `☎ ${said}` : title;
}

const words = (element) => element.textContent.replace(/\s+/g, " ").trim();

// What a region says by itself, without haste: that the time for the notes is nearly over, or that it is over.
function tell() {
  const said = [...document.querySelectorAll("[data-tell]")].filter((one) => one.checkVisibility()).map(words).join(" ");
  const place = document.getElementById("tell");
  if (place.textContent !== said) place.textContent = said;
}
new MutationObserver(announce).observe(document.body, { childList: true, subtree: true, attributes: true });
announce();
