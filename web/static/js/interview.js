// An interview by keyboard, from question to question on the same page: within the answers a digit chooses, Enter sends,
// Alt and an arrow go back and on. What is typed while an answer is on its way (typed_ahead.js) answers the question that
// comes, in its order. What does not fit that question, or comes after an answer that was not taken, counts for nothing,
// with all that follows until there is a pause: it was meant for another question.

import { signedOut } from "./drafts.js";
import { keyOf, off } from "./keys.js";
import { notify } from "./live.js";

const PATIENCE_MS = 15_000; // then nobody has answered
const PAUSE_MS = 600; // without a key: he looks at the page again
const TWICE_MS = 300; // an Enter that comes sooner is the second one of the answer before
const CHOICES = "input[type=radio], input[type=checkbox]";
const GOES = { ArrowLeft: "back", ArrowRight: "forward" };
const MOVED_ON = new Set([403, 404, 409]); // it is somebody else's by now, or at another question

const ahead = window.typedAhead;
const place = document.getElementById("interview");
const question = () => place.querySelector("[data-interview]");

let busy = false; // something is on its way
let given = false; // something was typed or chosen for the question on the screen

// -- keys ------------------------------------------------------------------------------------------------------------

function choose(digit) {
  const found = off ? null : question()?.querySelector(`[data-digit="${digit}"]`);
  if (!found) return false;
  found.checked = found.type === "radio" || !found.checked;
  found.focus();
  return (given = true);
}

function go(where) {
  const button = off ? null : place.querySelector(`[data-go="${where}"]`);
  button?.click();
  return Boolean(button);
}

/** Nobody skips what he has not seen: without an answer, Enter goes on from a note and from what was answered before. */
const PASSED = new Set(["note", "begin"]); // what is read, or asked for, and not answered
const mayPass = (form) => given || PASSED.has(form.dataset.interview) || Boolean(form.querySelector('[data-go="forward"]'));

const send = (form) => form.requestSubmit(form.querySelector("button.primary"));

function onKey(event) {
  const { key, target } = event;
  const form = target.closest?.("[data-interview]");
  const goesOn = key === "Enter" && form && (event.ctrlKey || !target.matches("textarea, button:not(.primary), a"));
  if (goesOn && event.repeat) return event.preventDefault();
  if (goesOn && "fresh" in place.dataset && !mayPass(form)) {
    event.preventDefault();
    return drop([event]);
  }
  if (event.metaKey) return;
  if (event.altKey) {
    if (off || event.ctrlKey || !GOES[key]) return;
    event.preventDefault(); // else the browser leaves the page
    go(GOES[key]);
  } else if (event.ctrlKey) {
    if (!goesOn || !target.matches("textarea")) return; // there Enter alone begins a line
    event.preventDefault();
    send(form);
  } else if (form && target.matches(CHOICES) && /^\d$/.test(key) && choose(key)) event.preventDefault(); // WCAG 2.1, 2.1.4
}

function type(field, key) {
  const { selectionStart: from, selectionEnd: to } = field;
  const text = key === "Backspace" ? "" : key;
  if (field.value.length - (to - from) + text.length > field.maxLength) return false;
  field.setRangeText(text, text || from < to ? from : Math.max(0, from - 1), to, "end");
  return (given = true);
}

/** Do what a key that was held would have done; false where it does not fit the question that came. */
function press(pressed) {
  const { key, isTyped } = pressed;
  const form = question();
  const field = document.activeElement;
  if (pressed.altKey && !isTyped) {
    if (GOES[key]) return go(GOES[key]);
    document.dispatchEvent(new KeyboardEvent("keydown", pressed)); // keys.js knows what it does
    return keyOf(pressed) === null || !ahead.keys.length; // what follows is not for the question
  }
  if (!form?.contains(field)) return false;
  if (key === "Enter" && (pressed.ctrlKey || !field.matches("textarea"))) {
    if (!mayPass(form)) return false;
    send(form);
    return true;
  }
  if (field.matches(CHOICES)) {
    if (key === " ") field.click();
    return key === " " || (/^\d$/.test(key) && choose(key));
  }
  if (!field.matches("input, textarea")) return false;
  if (key !== "Tab") return type(field, key === "Enter" ? "\n" : key);
  const ranked = [...form.querySelectorAll("[name=rank]")];
  const next = ranked[ranked.indexOf(field) + 1];
  next?.select();
  return Boolean(next);
}

/** What was typed ahead answers the question that is there now. */
function goOn() {
  ahead.waits = false;
  while (ahead.keys.length && !ahead.waits) {
    const pressed = ahead.keys.shift();
    if (!press(pressed)) drop([pressed]);
  }
}

/** What was typed ahead counts for nothing, nor does what follows until there is a pause; he is told. */
function drop(pressed = []) {
  ahead.waits = true;
  place.dataset.deaf = "";
  if (pressed.length + ahead.keys.splice(0).length) notify(document.getElementById("told").dataset.dropped);
  clearTimeout(drop.timer);
  drop.timer = setTimeout(() => {
    if (ahead.keys.length) return drop();
    delete place.dataset.deaf;
    ahead.waits = busy;
  }, PAUSE_MS);
}

// -- from question to question ---------------------------------------------------------------------------------------

/** What the server says: the page to show, or a sentence. Where nobody answers the sentence is ours. */
async function asked(form, submitter) {
  const to = submitter?.hasAttribute("formaction") ? submitter.formAction : form.action;
  const unreached = document.getElementById("notice").dataset.unreached;
  try {
    const answer = await fetch(to, {
      method: "POST",
      body: new URLSearchParams(new FormData(form, submitter)),
      headers: { "HX-Request": "true", "X-Stays": "1" },
      keepalive: true, // an answer that is on its way arrives, even if the page is left
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (answer.status === 401) return { isOver: true };
    if (answer.headers.get("content-type")?.includes("json")) {
      return { sentence: (await answer.json()).message, hasMoved: MOVED_ON.has(answer.status) };
    }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const address = answer.redirected ? answer.url : location.href;
    return page.getElementById("interview") ? { page, address, isTaken: answer.ok } : { sentence: unreached };
  } catch {
    return { sentence: unreached };
  }
}

async function sent(form, submitter) {
  if (busy) return; // one answer, however often Enter is pressed
  busy = ahead.waits = true;
  place.setAttribute("aria-busy", "true");
  form.querySelector(".not-taken")?.remove();
  const answer = await asked(form, submitter);
  busy = false;
  place.removeAttribute("aria-busy");
  if (answer.page) show(answer.page, answer.address);
  else if (answer.isOver) signedOut(true);
  else tell(form, answer);
  if (answer.isTaken) goOn();
  else drop();
}

function show(page, address) {
  if (address !== location.href) begin(page, address);
  place.replaceChildren(...page.getElementById("interview").childNodes);
  document.title = page.title;
  document.querySelector("h1").replaceChildren(...page.querySelector("h1").childNodes);
  document.getElementById("told").textContent = place.querySelector("progress + span")?.textContent ?? "";
  window.scrollTo(0, 0);
  arrive();
  place.dataset.fresh = "";
  clearTimeout(show.timer);
  show.timer = setTimeout(() => delete place.dataset.fresh, TWICE_MS);
}

/** An interview that was begun on another page is a page of its own: who goes back comes to that one again. */
function begin(page, address) {
  history.pushState(null, "", address);
  for (const part of [".work-head", "main"]) document.querySelector(part).className = page.querySelector(part).className;
  document.querySelector(".work-head .of-ente")?.remove();
  document.querySelector("h1").after(...page.querySelectorAll(".work-head .of-ente"));
  document.querySelector("main").replaceChildren(place, document.getElementById("told"), document.getElementById("not-taken"));
}

/** The focus is in the question before anything is typed into it. */
function arrive() {
  given = false;
  const first = place.querySelector("[autofocus]");
  first?.focus();
  if (first?.matches("input[type=text]")) first.select(); // as Tab does: who goes back to it corrects it
}

/** What the server said instead of a question; what was typed is still there. */
function tell(form, { sentence, hasMoved }) {
  const told = document.getElementById("not-taken").content.firstElementChild.cloneNode(true);
  const again = told.querySelector("a");
  told.querySelector("span").textContent = sentence;
  const elsewhere = hasMoved && form.dataset.interview !== "begin";
  if (elsewhere) again.href = location.href;
  else again.remove();
  form.querySelector(".actions, button").before(told);
  if (elsewhere) again.focus();
}

document.addEventListener("keydown", onKey);
place.addEventListener("input", (event) => event.target.closest("[data-interview]") && (given = true));
place.addEventListener("submit", (event) => {
  event.preventDefault();
  sent(event.target, event.submitter);
});
place.addEventListener("toggle", ({ target }) => target.open && target.querySelector("select")?.focus(), true);
window.addEventListener("pageshow", (event) => event.persisted && location.reload()); // a page of the past is stale
window.addEventListener("popstate", () => location.reload()); // between an interview and the page on which it was begun

arrive();
ahead.isHeard = true;
goOn();
