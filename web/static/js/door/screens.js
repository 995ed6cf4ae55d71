// The screens of the page, of which one is shown, and what is said above them. All words are in the page.

export const $ = (id) => document.getElementById(id);

let shown = "loading";

export function show(name) {
  for (const one of document.querySelectorAll("[data-screen]")) one.hidden = one.dataset.screen !== name;
  if (shown !== name) $("main").focus({ preventScroll: true });
  shown = name;
  window.scrollTo(0, 0);
}

export const isShown = (name) => shown === name;

export const words = (key) => document.querySelector(`[data-say="${key}"]`)?.textContent ?? "";

export function say(key, more = "") {
  $("say").hidden = !key;
  $("say").textContent = key ? `${words(key)} ${more}`.trim() : "";
}

// What the server answered, in its words.
export function tell(text) {
  $("say").hidden = !text;
  $("say").textContent = text;
}

export function fill(id, text) {
  $(id).textContent = text ?? "";
}

const language = document.body.dataset.lang;
export const euro = (cents) => new Intl.NumberFormat(language, { style: "currency", currency: "EUR" }).format(cents / 100);
// Of Italy, wherever the telephone thinks that it is: a round's hours are those of its doors.
const of = (at, how) => new Intl.DateTimeFormat(language, { timeZone: "Europe/Rome", ...how }).format(new Date(at));
export const moment = (at) => of(at, { dateStyle: "short", timeStyle: "short" });
export const day = (at) => (at ? of(at, { dateStyle: "medium" }) : "—");

export function made(tag, text = "", name = "") {
  const one = document.createElement(tag);
  one.textContent = text;
  if (name) one.className = name;
  return one;
}
