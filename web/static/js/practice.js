// Practice: the last words in sight, and spoken by the browser where somebody wants it and it has an Italian voice.

const WANTED = "practice-speaks";
const said = new Set([...document.querySelectorAll("#speech [data-spoken]")].map((one) => one.id)); // before this page

const voice = () => window.speechSynthesis?.getVoices().find((one) => one.lang.startsWith("it"));

function speak(words) {
  const utterance = new SpeechSynthesisUtterance(words);
  utterance.lang = "it-IT";
  utterance.voice = voice() ?? null;
  speechSynthesis.speak(utterance);
}

let shown = 0; // how many bubbles there were

function look() {
  const box = document.getElementById("speak");
  if (box) {
    box.closest(".speak").hidden = !window.speechSynthesis;
    box.checked = localStorage.getItem(WANTED) === "yes";
  }
  const log = document.getElementById("speech-log");
  const bubbles = log?.querySelectorAll("li").length ?? 0;
  if (bubbles !== shown && log) log.scrollTop = log.scrollHeight;
  shown = bubbles;
  for (const one of document.querySelectorAll("#speech [data-spoken]")) {
    if (said.has(one.id)) continue;
    said.add(one.id);
    if (box?.checked && window.speechSynthesis) speak(one.dataset.spoken);
  }
  if (!log) window.speechSynthesis?.cancel();
}

document.addEventListener("change", (event) => {
  if (event.target.id !== "speak") return;
  localStorage.setItem(WANTED, event.target.checked ? "yes" : "no");
  if (!event.target.checked) window.speechSynthesis?.cancel();
});
document.addEventListener("htmx:ws:after:message:incoming", look);
window.addEventListener("pagehide", () => window.speechSynthesis?.cancel());
look();
