// For whoever manages visits, on whatever page he has open: an agent who needs help is heard, and seen from another
// window, until somebody answers. Live pages know at once; the others ask.

const EVERY_MS = 15_000;
const AGAIN_MS = 20_000;
const RUNG = "field-alarm-rung"; // in one window of a browser, not in each
const audio = window.AudioContext ? new AudioContext() : null; // silent before somebody has touched the page
const badge = () => document.getElementById("field-alarms");
let ringing = null;

function ring() {
  if (audio?.state !== "running") return;
  [880, 660, 880, 660].forEach((pitch, n) => {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    const at = audio.currentTime + n * 0.25;
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.4, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.24);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + 0.24);
  });
}

function show() {
  if (!document.hidden || window.Notification?.permission !== "granted") return;
  const shown = new Notification(badge().textContent, { tag: RUNG, requireInteraction: true, icon: "/static/img/icon.svg" });
  shown.addEventListener("click", () => { window.focus(); location.assign(badge().href); });
}

function look() {
  const latest = badge()?.dataset.latest ?? "";
  if (!latest) {
    clearInterval(ringing);
    ringing = null;
    return;
  }
  if (latest <= (localStorage.getItem(RUNG) ?? "")) return;
  localStorage.setItem(RUNG, latest);
  clearInterval(ringing);
  ringing = setInterval(ring, AGAIN_MS);
  ring();
  show();
}

async function ask() {
  const isLive = document.querySelector("[data-live]")?.dataset.live === "on";
  if (!isLive) {
    try {
      const answer = await fetch(badge().dataset.from);
      const html = answer.ok ? (await answer.text()).trim() : "";
      if (html && html !== badge().outerHTML) badge().outerHTML = html;
    } catch {
      // the page says by itself that nobody answers
    }
  }
  look();
}

if (badge()) {
  document.addEventListener("pointerdown", () => audio?.resume(), { once: true });
  document.addEventListener("htmx:ws:after:message:incoming", look);
  setInterval(ask, EVERY_MS);
  ask();
}

const wanted = document.getElementById("alarm-notify");
if (wanted && window.Notification?.permission === "default") {
  wanted.hidden = false;
  wanted.addEventListener("click", async () => { wanted.hidden = (await Notification.requestPermission()) !== "default"; });
}
