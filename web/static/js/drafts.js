// What is typed into a form (`data-draft`) is kept on the server from the first pause in typing, and nowhere else: not in
// this browser. It is there again after the tab was closed, in another tab, and once a server that died is back.

import { notify, succeeded } from "./live.js";

const PAUSE_MS = 500;
const RETRY_MS = 2000;
const PATIENCE_MS = 8000;
const GONE = new Set([404, 409, 422]); // asked again it would say the same
const HEADERS = "hx-headers:inherited";

const states = new WeakMap(); // of each form: how often something was typed, and up to which it is known to have arrived
const unsent = new Set(); // forms with something typed that has not arrived
let away = false; // the session is over

const token = () => JSON.parse(document.body.getAttribute(HEADERS))["X-CSRF-Token"];
const formOf = (event) => event.target.closest?.("form[data-draft]");
const newId = () => crypto.randomUUID?.() ?? "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (c) => (+c ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (+c / 4)))).toString(16));

function stateOf(form) {
  if (!states.has(form)) states.set(form, { edit: 0, kept: 0, timer: 0, busy: false, sending: false, failed: false, showing: newId() });
  return states.get(form);
}

/** Ask the server for something on behalf of this page; what is said while the page is being left is said all the same. */
export const post = (path, fields = {}, headers = {}) =>
  fetch(path, {
    method: "POST",
    headers: { "X-CSRF-Token": token(), accept: "application/json", ...headers },
    body: new URLSearchParams(fields),
    keepalive: true,
  });

const headersOf = (form) => (form.dataset.place ? { "X-Draft": form.dataset.place, "X-Draft-Showing": stateOf(form).showing } : {});

function say(form, name) {
  for (const part of form.querySelectorAll("[data-draft-state] span")) {
    const hidden = !part.classList.contains(name);
    if (part.hidden !== hidden) part.hidden = hidden;
  }
}

// -- keeping ---------------------------------------------------------------------------------------------------------

function typed(form) {
  const state = stateOf(form);
  state.edit += 1;
  unsent.add(form);
  say(form, "typing");
  clearTimeout(state.timer);
  state.timer = setTimeout(() => keep(form), PAUSE_MS);
}

/** Send what the form holds, one request at a time; what is typed meanwhile goes with the next. */
async function keep(form) {
  const state = stateOf(form);
  if (state.busy || state.sending || away) return;
  clearTimeout(state.timer);
  state.busy = true;
  const edit = state.edit;
  let answer = null;
  try {
    answer = await Promise.race([post(form.dataset.draft, new FormData(form), headersOf(form)), after(PATIENCE_MS)]);
  } catch {
    // the server is away
  }
  state.busy = false;
  if (state.kept > edit) return; // sent as a whole meanwhile
  state.failed = !answer?.ok;
  if (answer?.ok) {
    state.kept = edit;
    if (form.dataset.place) left.add(form.dataset.place);
    if (state.edit === edit) unsent.delete(form);
    if (state.edit === edit) say(form, "saved");
    else keep(form);
    return;
  }
  say(form, "unsaved");
  if (answer?.status === 401) return signedOut();
  if (answer?.status === 403) renew();
  if (GONE.has(answer?.status)) return unsent.delete(form);
  state.timer = setTimeout(() => keep(form), RETRY_MS);
}

const after = (ms) => new Promise((_, fail) => setTimeout(fail, ms));

document.addEventListener("input", (event) => {
  const form = formOf(event);
  if (form && event.target.name) typed(form);
});
window.addEventListener("pagehide", () => {
  for (const form of unsent) post(form.dataset.draft, new FormData(form), headersOf(form)).catch(() => {});
});
window.addEventListener("beforeunload", (event) => {
  if ([...unsent].some((form) => away || stateOf(form).failed)) event.preventDefault(); // it would not arrive
});

// -- sending the form itself: it is no draft any more ----------------------------------------------------------------

const ownForm = (ctx) => ctx.sourceElement?.closest?.("form[data-draft]") ?? null;
const isSent = (form, ctx) => form === ctx.sourceElement || ctx.sourceElement.matches("button:not([type='button'])");

document.addEventListener("htmx:config:request", ({ detail: { ctx } }) => {
  const form = ownForm(ctx);
  if (unsent.size || document.body.dataset.onCall) ctx.request.headers["X-Stays"] = "1"; // signed out, it is not led away
  if (form && isSent(form, ctx)) Object.assign(ctx.request.headers, headersOf(form));
});
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  const form = ownForm(ctx);
  if (!form || !isSent(form, ctx)) return;
  clearTimeout(stateOf(form).timer);
  stateOf(form).sending = true;
});
document.addEventListener("htmx:after:request", (event) => {
  const { ctx } = event.detail;
  if (ctx?.response?.status === 401) signedOut();
  if (ctx?.response?.status === 403) renew();
  const form = ctx && ownForm(ctx);
  if (!form || !isSent(form, ctx)) return;
  const state = stateOf(form);
  state.sending = false;
  if (succeeded(event)) done(form);
  else if (unsent.has(form)) keep(form);
});
document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  const form = ctx && ownForm(ctx);
  if (!form) return;
  stateOf(form).sending = false;
  if (unsent.has(form)) keep(form);
});

function done(form) {
  const state = stateOf(form);
  state.kept = state.edit += 1;
  state.showing = newId(); // what is typed into it now is another draft
  unsent.delete(form);
  left.delete(form.dataset.place);
  say(form, "");
}

document.addEventListener("click", (event) => {
  const form = event.target.closest("[data-draft-drop]")?.closest("form[data-place]");
  if (!form) return;
  post("/drafts/drop", {}, headersOf(form)).catch(() => {});
  done(form);
}, true); // before the form goes away

// -- what was left is put back ---------------------------------------------------------------------------------------

const restored = new WeakSet();

function restore() {
  for (const form of document.querySelectorAll("form[data-kept]")) {
    if (restored.has(form)) continue;
    restored.add(form);
    if (stateOf(form).edit) continue; // somebody is typing already
    fill(form, JSON.parse(form.dataset.kept));
    form.closest("details")?.setAttribute("open", ""); // folded, nobody would see it
    say(form, "resumed");
  }
}

function fill(form, kept) {
  for (const [name, values] of Object.entries(kept)) {
    const rest = [...values];
    for (const field of form.elements) {
      if (field.name !== name || field.type === "hidden" || field.type === "submit") continue;
      if (field.type === "checkbox" || field.type === "radio") field.checked = values.includes(field.value);
      else if (!rest.length) break;
      else if (field.tagName !== "SELECT" || [...field.options].some((one) => one.value === rest[0])) field.value = rest.shift();
      field.dispatchEvent(new Event("change", { bubbles: true })); // what depends on it follows; nothing was typed
    }
  }
}

// -- which forms about somebody were left unfinished: what opens them says so, and the latest opens by itself -----------

const looked = new Set(); // for whom it was asked
const left = new Set(); // the places that have something
let waiting = []; // those that have not been opened here yet, the latest last

async function look() {
  if (away) return;
  for (const opener of document.querySelectorAll("[data-opens][data-about]")) {
    const about = opener.dataset.about;
    if (looked.has(about)) continue;
    looked.add(about);
    try {
      const answer = await fetch(`/drafts/of/${about}`, { headers: { accept: "application/json" } });
      if (answer.status === 401 || answer.status >= 500) throw new Error(answer.statusText);
      for (const place of answer.ok ? await answer.json() : []) {
        left.add(place);
        waiting.push(place);
      }
    } catch {
      looked.delete(about); // the server is away
    }
  }
  reopen();
  mark();
}

/** What opens a form may come later, with the file. Of several that open in one place the latest does. */
function reopen() {
  if (document.getElementById("band")?.dataset.state === "ringing") return;
  const ready = new Map();
  waiting = waiting.filter((place) => !place.startsWith("opinion/")); // no call's: what is marked unfinished waits for him
  for (const place of waiting) if (works(openerOf(place))) ready.set(openerOf(place).getAttribute("hx-target") ?? place, place);
  waiting = waiting.filter((place) => !works(openerOf(place)));
  for (const place of ready.values()) {
    const opener = openerOf(place);
    if (document.querySelector(`form[data-place="${CSS.escape(place)}"]`)) continue;
    quietly = { until: performance.now() + QUIET_MS, focus: document.activeElement };
    if (opener.matches("details")) opener.open = true;
    else opener.click();
    setTimeout(insist, INSIST_MS, place, [opener, slotOf(opener)]);
  }
}

const slotOf = (opener) => document.querySelector(opener.getAttribute("hx-target") ?? "#main") ?? opener;

/** A region that was pushed meanwhile took the form's place with it: once more. What is there of it still was closed by
 * somebody himself, or gave way to another form that he opened. */
function insist(place, those) {
  const tried = (insisted.get(place) ?? 0) + 1;
  if (those.every((one) => one.isConnected) || tried > MOST_TRIES || !left.has(place)) return;
  if (document.querySelector(`form[data-place="${CSS.escape(place)}"]`)) return;
  insisted.set(place, tried);
  waiting.push(place);
  reopen();
}

const INSIST_MS = 2000;
const MOST_TRIES = 3;
const insisted = new Map(); // how often, by place

// A form that opens by itself leaves the keyboard where it is; whoever does something himself ends that.
const QUIET_MS = 8000;
let quietly = null;
for (const deed of ["keydown", "pointerdown"]) document.addEventListener(deed, (event) => event.isTrusted && (quietly = null), true);
document.addEventListener("focusin", (event) => {
  if (!quietly || performance.now() > quietly.until || !event.target.closest("form[data-draft], details.add")) return;
  const { focus } = quietly;
  if (focus.isConnected && focus !== document.body) focus.focus();
  else event.target.blur();
});

function openerOf(place) {
  const [form, about] = place.split("/");
  const opens = form.startsWith("card-") ? "card" : form;
  return document.querySelector(`[data-opens="${opens}"][data-about="${CSS.escape(about)}"]`);
}

/** Whether htmx has it already: what happens to it before is lost. */
const works = (opener) => (opener?.matches("details") ? opener.querySelector("[data-card-holder]") : opener)?.hasAttribute("data-htmx-powered");

function mark() {
  for (const opener of document.querySelectorAll("[data-opens][data-about]")) {
    const { opens, about } = opener.dataset;
    const some = [...left].some((place) => opens === "card" ? place.startsWith("card-") && place.split("/")[1] === about : place === `${opens}/${about}`);
    const sign = opener.querySelector("[data-unfinished]");
    if (sign && sign.hidden === some) sign.hidden = !some;
  }
}

// -- a region that took another's place: what was typed into it is on its way -----------------------------------------

const shown = new Set(); // forms with something in them

function tend() {
  for (const form of shown) {
    if (form.isConnected) continue;
    shown.delete(form);
    const { place } = form.dataset;
    if (left.has(place) && !openerOf(place)) waiting.push(place); // it went with the file, and comes with it
  }
  for (const form of document.querySelectorAll("form[data-place]")) if (left.has(form.dataset.place)) shown.add(form);
  restore();
  mark();
  for (const form of unsent) {
    if (form.isConnected || stateOf(form).sending) continue;
    const same = form.dataset.place && document.querySelector(`form[data-place="${CSS.escape(form.dataset.place)}"]`);
    if (!same) keep(form); // or later, once there is a session again
    else if (unsent.delete(form)) typed(same); // shown anew with what was typed
  }
}
new MutationObserver(tend).observe(document.body, { childList: true, subtree: true });
document.addEventListener("DOMContentLoaded", () => setTimeout(() => {
  tend();
  look();
  new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributeFilter: ["data-about", "data-htmx-powered"] });
})); // htmx takes the page's forms over once it is parsed: what happens to them before is lost

// -- the session is over: with something typed, or in a call, the page waits for the next sign-in in another tab --------

const LOOK_MS = 2000;
const WAITS_MS = 15 * 60_000;

/** Whether the page stays: it does in a call, and where something typed has not arrived. */
export function signedOut(isTyped = unsent.size > 0) {
  const place = document.getElementById("signed-out");
  if (away || !place || !(isTyped || document.body.dataset.onCall)) return away;
  away = true;
  waitForSession(place);
  return true;
}

/** The page shows nothing meanwhile but that it waits; and not even that where the session is there after all, as when
 * its person's roles or keys were changed. */
async function waitForSession(place) {
  const end = performance.now() + WAITS_MS;
  let session = await sessionNow();
  while (!session) {
    if (performance.now() > end) return leave("/sign-in");
    if (!place.open) place.showModal();
    await new Promise((done) => setTimeout(done, LOOK_MS));
    session = await sessionNow();
  }
  if (!isMine(session)) return leave("/");
  resume(session.csrf);
  place.close();
}

async function sessionNow() {
  try {
    const answer = await fetch("/session", { headers: { accept: "application/json" }, signal: AbortSignal.timeout(LOOK_MS) });
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the server is away
  }
}

const isMine = (session) => `${session.user}` === document.getElementById("signed-out")?.dataset.user;

/** What is typed here is nobody's any more, least of all the next person's. */
function leave(path) {
  unsent.clear();
  location.assign(path);
}

/** Signed in anew in another tab while this page's session still held: its forms have the token of the one before. */
async function renew() {
  const session = away ? null : await sessionNow();
  if (session && isMine(session) && session.csrf !== token()) adopt(session.csrf);
}

function adopt(csrf) {
  document.body.setAttribute(HEADERS, JSON.stringify({ "X-CSRF-Token": csrf }));
  for (const field of document.querySelectorAll("input[name=csrf]")) field.value = csrf;
  for (const form of unsent) keep(form);
}

function resume(csrf) {
  away = false;
  adopt(csrf);
  notify("");
  const socket = document.querySelector("[hx-ws\\:connect]"); // closed for good when the session ended
  const again = socket?.cloneNode();
  if (!again) return;
  again.removeAttribute("data-htmx-powered");
  socket.replaceWith(again);
  window.htmx.process(again);
}

document.addEventListener("filodiretto:signed-out", (event) => signedOut() && event.preventDefault());
document.addEventListener("cancel", (event) => event.target.id === "signed-out" && event.preventDefault(), true);
