// For whoever manages visits, on whatever page he has open: an agent who needs help is heard, and seen from another
// window, until somebody answers. Live pages know at once; the others ask.

const EVERY_MS = 15_000;
const AGAIN_MS = 20_000;
const LOOK_MS = 1_000;
const RUNG = "field-alarm-rung"; // of which alarm a window of this browser rang last, and when: one does, not each
const SHOWN = "field-alarm-shown"; // of which alarm a notification was shown
const audio = window.AudioContext ? new AudioContext() : null; // silent before somebody has touched the page
const badge = () => document.getElementById("field-alarms");
const latest = () => badge()?.dataset.latest ?? "";
let ringing = null;

function sound() {
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

// Again and again until somebody answers, whatever page he goes to meanwhile.
function ring() {
  const last = JSON.parse(localStorage.getItem(RUNG) ?? "{}");
  if (audio?.state !== "running" || (last.of === latest() && Date.now() - last.at < AGAIN_MS)) return;
  localStorage.setItem(RUNG, JSON.stringify({ of: latest(), at: Date.now() }));
  sound();
}

function show() {
  if (!document.hidden || window.Notification?.permission !== "granted" || localStorage.getItem(SHOWN) === latest()) return;
  localStorage.setItem(SHOWN, latest());
  const shown = new Notification(badge().textContent, { tag: RUNG, requireInteraction: true, icon: "/static/img/icon.svg" });
  shown.addEventListener("click", () => { window.focus(); location.assign(badge().href); });
}

function look() {
  if (!latest()) {
    clearInterval(ringing);
    ringing = null;
    return;
  }
  ringing ??= setInterval(ring, LOOK_MS);
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
  for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, () => audio?.resume(), { once: true });
  document.addEventListener("htmx:ws:after:message:incoming", look);
  setInterval(ask, EVERY_MS);
  ask();
}

// Where alarms are answered: what this browser does when one comes, and what it does not.
const ways = document.getElementById("alarm-ways");
if (ways) {
  const may = window.Notification?.permission ?? "none";
  const tell = (which) => { for (const one of ways.querySelectorAll("[data-may]")) one.hidden = one.dataset.may !== which; };
  tell(may);
  document.getElementById("alarm-notify").addEventListener("click", async () => tell(await Notification.requestPermission()));
  const hear = document.getElementById("alarm-sound");
  hear.hidden = audio === null;
  hear.addEventListener("click", async () => {
    await audio.resume();
    sound();
  });
}
