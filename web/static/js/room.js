// The waiting room's screen: each new call rings and is spoken, once; what was there when the page came is not.

const REVOKED = 4410;
const GAP_MS = 900; // between the chime and the voice
const main = document.querySelector("[data-room]");
const button = document.getElementById("sound");
const keys = () => [...main.querySelectorAll(".is-called[data-call]")]; // whoever is at the desk has heard it
const told = new Set(keys().map((one) => one.dataset.call));

const audio = window.AudioContext ? new AudioContext() : null;
const silent = () => audio !== null && audio.state !== "running";
const offer = () => (button.hidden = !silent()); // a browser plays nothing before somebody has touched the page
audio?.addEventListener("statechange", offer);
button.addEventListener("click", () => audio?.resume());
offer();

function chime() {
  if (audio === null || silent()) return;
  [659.25, 523.25].forEach((pitch, n) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const at = audio.currentTime + n * 0.35;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.4, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.6);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.6);
  });
}

function say(words) {
  if (!window.speechSynthesis) return;
  const spoken = new SpeechSynthesisUtterance(words);
  spoken.lang = main.lang;
  spoken.rate = 0.9;
  window.speechSynthesis.speak(spoken);
}

function look() {
  const fresh = keys().filter((one) => !told.has(one.dataset.call));
  if (!fresh.length) return;
  chime();
  for (const one of fresh.reverse()) { // in the order in which they were called
    told.add(one.dataset.call);
    const words = one.dataset.say;
    setTimeout(() => say(words), GAP_MS);
    main.dataset.said = words;
  }
}
new MutationObserver(look).observe(main, { childList: true, subtree: true, attributeFilter: ["data-call"] });

document.addEventListener("htmx:ws:close", (event) => {
  if (event.detail.code !== REVOKED) return;
  document.getElementById("revoked").hidden = false;
  main.hidden = true;
});
