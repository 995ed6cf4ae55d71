// Conversations by SMS: how long an answer is, quick replies, and the latest words in sight.

// As crm.messages.segments counts them (3GPP TS 23.038).
const GSM = new Set(
  "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà",
);
const EXTENDED = new Set("^{}\\[~]|€");
const MOST = 3;

function segments(text) {
  const all = [...text];
  const gsm = all.every((one) => GSM.has(one) || EXTENDED.has(one));
  const length = gsm ? all.reduce((sum, one) => sum + (EXTENDED.has(one) ? 2 : 1), 0) : text.length;
  const [whole, part] = gsm ? [160, 153] : [70, 67];
  return length <= whole ? 1 : Math.ceil(length / part);
}

function count(field) {
  const place = document.querySelector(`[data-segments-of="${field.id}"]`);
  if (!place) return;
  const sms = segments(field.value);
  const pattern = sms > MOST ? place.dataset.long : sms > 1 ? place.dataset.more : place.dataset.one;
  const said = pattern.replace("{chars}", field.value.length).replace("{sms}", sms);
  if (place.textContent !== said) place.textContent = said;
  place.classList.toggle("over", sms > MOST);
}

document.addEventListener("input", (event) => event.target.matches("[data-segments]") && count(event.target));

document.addEventListener("change", (event) => {
  const field = document.getElementById(event.target.dataset?.phrase ?? "");
  if (!field || !event.target.value) return;
  field.value = field.value ? `${field.value.trimEnd()} ${event.target.value}` : event.target.value;
  event.target.value = "";
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.focus();
});

let shown = ""; // the thread in front, and how much of it there was

function look() {
  const field = document.querySelector("[data-segments]");
  if (field) count(field);
  const log = document.querySelector("#thread .bubbles");
  const now = log ? `${log.id}:${log.querySelectorAll("li").length}` : "";
  if (now === shown) return;
  const another = now.split(":")[0] !== shown.split(":")[0];
  shown = now;
  if (!log) return;
  log.scrollTop = log.scrollHeight;
  if (another) field?.focus();
}

document.addEventListener("htmx:ws:after:message:incoming", look);
document.addEventListener("htmx:after:swap", look);
look();
