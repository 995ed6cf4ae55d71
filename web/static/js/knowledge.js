// The knowledge beside a call: opened and closed with a key, it follows the topic and the ente of the call.

const panel = document.getElementById("knowledge");
const opener = document.getElementById("know");
const list = panel.querySelector("[data-knowledge-list]");
const found = document.getElementById("knowledge-found");
const read = document.getElementById("knowledge-read");
const field = document.getElementById("knowledge-q");

const follows = () => document.querySelector("#talk")?.dataset.follows ?? "";
let fetchedFor = null;
let back = null; // where the focus was before

function fetchList() {
  fetchedFor = follows();
  window.htmx.trigger(found, "wanted");
}

function open(now) {
  if (now) back = document.activeElement;
  panel.hidden = !now;
  opener.setAttribute("aria-expanded", now);
  document.body.classList.toggle("knows", now);
  if (!now) return (back?.isConnected && back.checkVisibility() ? back : opener).focus();
  if (fetchedFor !== follows()) fetchList();
  if (list.hidden) read.querySelector("h2")?.focus();
  else field.focus();
}

function showList() {
  read.replaceChildren();
  list.hidden = false;
  field.focus();
}

opener.addEventListener("click", () => open(panel.hidden));
panel.addEventListener("click", (event) => {
  if (event.target.closest("[data-knowledge-close]")) open(false);
  if (event.target.closest("[data-knowledge-back]")) showList();
});
panel.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  event.preventDefault();
  if (list.hidden) showList();
  else open(false);
});
document.addEventListener("htmx:after:swap", () => {
  if (list.hidden || !read.querySelector(".knowledge-text")) return;
  list.hidden = true;
  read.querySelector("h2").focus();
});

// Another topic, another ente, another call: what is of use is another list. What somebody looked for himself stays.
new MutationObserver(() => {
  if (!panel.hidden && fetchedFor !== follows() && !field.value) fetchList();
}).observe(document.querySelector("main"), { subtree: true, childList: true, attributeFilter: ["data-follows"] });
