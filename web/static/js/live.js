// What every live page shares: the state of the connection, running clocks, and what went wrong with a request.

const STALE_MS = 4000; // the server beats every second: silence longer than this is said on the page
const SOON_MS = 20_000; // how long before its end a time is said to be nearly over
const RESTING = "–:––";
const DATE = { timeZone: "Europe/Rome", weekday: "long", day: "numeric", month: "long", year: "numeric" };

let skew = 0; // the server's clock minus this machine's, in milliseconds
let lastHeard = 0;
let lastTrue = 0; // the server's time when what is shown was last known to be so

export const serverNow = () => Date.now() + skew;

export function notify(text) {
  const box = document.getElementById("notice");
  box.textContent = text;
  box.hidden = !text;
  if (text) {
    clearTimeout(notify.timer);
    notify.timer = setTimeout(() => (box.hidden = true), 8000);
  }
}

// What was done is said by the page that is shown anew after it, or by this one if it stays.
const DONE = "done";
document.addEventListener("htmx:after:request", (event) => {
  const { notice, refresh, redirect } = event.detail.ctx?.hx ?? {};
  if (!notice) return;
  if (refresh || redirect) sessionStorage.setItem(DONE, decodeURIComponent(notice));
  else notify(decodeURIComponent(notice));
});

function tellWhatWasDone() {
  const sentence = sessionStorage.getItem(DONE);
  sessionStorage.removeItem(DONE);
  if (sentence) notify(sentence);
}

function duration(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const padded = parts.map((part, i) => (i === 0 ? `${part}` : `${part}`.padStart(2, "0")));
  return parts[0] ? padded.join(":") : `${parts[1]}:${padded[2]}`;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function tick() {
  const now = serverNow();
  for (const clock of document.querySelectorAll("time[data-since]")) {
    const running = now - Date.parse(clock.dataset.since);
    setText(clock, Number.isNaN(running) ? RESTING : duration(running));
    const limit = clock.closest("[data-since-limit]")?.dataset.sinceLimit;
    if (limit) clock.classList.toggle("over", running > Number(limit) * 1000);
  }
  for (const clock of document.querySelectorAll("time[data-until]")) {
    const left = Date.parse(clock.dataset.until) - now;
    setText(clock, duration(left));
    const isSoon = left < SOON_MS;
    for (const sign of [clock, clock.closest("[data-until-box]")]) {
      if (sign && sign.classList.contains("soon") !== isSoon) sign.classList.toggle("soon", isSoon);
    }
  }
  for (const clock of document.querySelectorAll("time[data-now]")) {
    setText(clock, hour(now));
  }
  for (const day of document.querySelectorAll("[data-today]")) {
    setText(day, new Date(now).toLocaleDateString(document.documentElement.lang, DATE));
  }
  const heard = lastHeard && Date.now() - lastHeard < STALE_MS;
  const live = heard ? "on" : performance.now() < STALE_MS ? "soon" : "off"; // a page just loaded is connecting still
  for (const sign of document.querySelectorAll("[data-live]")) if (sign.dataset.live !== live) sign.dataset.live = live;
  if (!lastTrue || live === "on") return;
  for (const since of document.querySelectorAll(".live-since")) {
    since.hidden = false;
    setText(since.querySelector(".num"), hour(lastTrue));
  }
}

const hour = (ms) => new Date(ms).toLocaleTimeString("it-IT", { timeZone: "Europe/Rome" });

document.addEventListener("htmx:ws:before:message:incoming", (event) => {
  lastHeard = Date.now();
  const data = event.detail.message?.data;
  if (typeof data === "string" && data.startsWith('{"now"')) {
    lastTrue = JSON.parse(data).now;
    skew = lastTrue - Date.now();
    event.detail.cancelled = true;
    event.preventDefault();
  }
  tick();
});
const SIGNED_OUT = 4401;
document.addEventListener("htmx:ws:close", (event) => {
  const stays = () => !document.dispatchEvent(new Event("filodiretto:signed-out", { cancelable: true }));
  if (event.detail.code === SIGNED_OUT && !stays()) location.assign(`/sign-in?back=${encodeURIComponent(location.pathname)}`);
  lastHeard = 0;
  tick();
});
document.addEventListener("htmx:after:swap", tick);
document.addEventListener("htmx:ws:after:message:incoming", tick);

/** Whether a request did what it asked for; to be asked of htmx:after:request. */
export const succeeded = (event) => event.detail.ctx?.response?.status < 300;

// A click that never reached the server, or that it did not answer in time, was for nothing: that is said.
const ASKED = new Set(["click", "submit", "change"]);
document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (ctx && !ctx.response && ASKED.has(ctx.sourceEvent?.type)) notify(document.getElementById("notice").dataset.unreached);
});

let refused = null; // whose request the sentence in the notice answers

document.addEventListener("htmx:after:request", (event) => {
  if (!succeeded(event)) return;
  if (refused === event.target) notify("");
  if (!event.target.matches?.("form")) return;
  for (const control of event.target.querySelectorAll("[aria-invalid]")) mark(control, "");
});

document.addEventListener("htmx:response:error", async (event) => {
  const response = event.detail.ctx?.response;
  let text = "";
  let fields = {};
  try {
    ({ message: text, fields = {} } = JSON.parse(event.detail.ctx.text ?? "{}"));
  } catch {
    // not one of our sentences
  }
  const unsaid = markFields(formOf(event.target), fields);
  const said = Object.keys(fields).length - unsaid.length;
  if (said && !unsaid.length) return;
  refused = event.target;
  const sentences = said ? unsaid : [text, ...unsaid.filter((one) => one !== text)];
  notify(sentences.join(" ").trim() || `${document.getElementById("notice").dataset.failed} ${response?.status ?? ""}`.trim());
});

// -- what is wrong with a form is said at the field -------------------------------------------------------------

function formOf(source) {
  const included = source.getAttribute?.("hx-include");
  return source.closest?.("form") ?? (included ? document.querySelector(included) : null);
}

/** Where is said what is wrong with a field: below it, or below the choices of which it is one. */
function placeOf(control) {
  const among = control.closest("fieldset")?.querySelector(":scope > .field-error");
  return document.getElementById(`${control.id}-error`) ?? among ?? control.form?.querySelector(`#${CSS.escape(`${control.name}-error`)}`);
}

function mark(control, text) {
  const place = placeOf(control);
  if (place) { // a page that was sent back whole says it elsewhere
    place.textContent = text;
    place.hidden = !text;
  }
  if (text) {
    control.setAttribute("aria-invalid", "true");
    control.setAttribute("aria-describedby", place.id);
  } else {
    control.removeAttribute("aria-invalid");
    control.removeAttribute("aria-describedby");
  }
}

/** Say at each field of a form what is wrong with it, and go to the first; what has no field there is given back. */
function markFields(form, fields) {
  const controls = Object.keys(fields).length ? [...(form?.elements ?? [])].filter(placeOf) : [];
  for (const control of controls) mark(control, "");
  const wrong = Object.keys(fields).map((name) => controls.find((control) => control.name === name));
  for (const control of wrong) if (control) mark(control, fields[control.name]);
  const first = controls.find((control) => wrong.includes(control));
  first?.closest("details:not([open])")?.setAttribute("open", "");
  first?.focus();
  return Object.values(fields).filter((_text, at) => !wrong[at]);
}

document.addEventListener("input", ({ target }) => {
  const place = target.form && placeOf(target);
  if (!place || place.hidden) return;
  for (const control of target.form.elements) if (control.hasAttribute("aria-invalid") && placeOf(control) === place) mark(control, "");
});

// -- the focus: where what had it is gone with a fragment, it goes to what was around that -----------------------

const LATER_MS = 50; // a page that knows better has had its turn
let held = []; // what has the focus, and what is around it

document.addEventListener("focusin", ({ target }) => {
  held = [];
  for (let one = target; one && one !== document.body; one = one.parentElement) held.push(one);
});
document.addEventListener("focusout", ({ target }) => setTimeout(() => {
  if (document.activeElement === document.body && held[0] === target && target.isConnected) held = []; // let go of by himself
}));

function keepNear() {
  if (document.activeElement !== document.body || !held.length || held[0].isConnected) return;
  const around = held.find((one) => one.isConnected && one.checkVisibility());
  const place = around?.querySelector("h1, h2, h3") ?? around;
  if (!place) return;
  if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
  place.focus({ preventScroll: true });
}
for (const change of ["htmx:after:swap", "htmx:ws:after:message:incoming"]) document.addEventListener(change, () => setTimeout(keepNear, LATER_MS));

// -- menus: Escape and a click elsewhere close them --------------------------------------------------------------

const MENUS = "details.menu, details.shortcuts";

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll(MENUS)) {
    if (!menu.open) continue;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(MENUS)) if (menu.open && !menu.contains(event.target)) menu.open = false;
});

setInterval(tick, 500);
tick();
tellWhatWasDone();
