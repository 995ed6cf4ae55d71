// Help, and danger: raised at once, sent as soon as there is a network, and meanwhile the ways that need none.

import { raise } from "./link.js";
import { here } from "./place.js";
import { $, fill, words } from "./screens.js";
import * as vault from "./vault.js";

let phone = null;
let practice = null;
let send = () => {};

export const sends = (how) => { send = how; };

export function ready(open) {
  $("alarm-buttons").hidden = !open;
}

const last = async () => (vault.isOpen() ? ((await vault.unseal("alarms")) ?? []).at(-1) : undefined);

// Whether somebody waits for an answer.
export const waiting = async () => {
  const one = await last();
  return Boolean(one && !one.answered);
};

export async function draw(packet, of = practice) {
  if (packet) {
    practice = of;
    const stop = packet.stops.find((one) => one.practice === of);
    phone = (packet.enti[stop?.ente] ?? Object.values(packet.enti)[0])?.phone ?? null;
  }
  const one = await last();
  $("alarm").hidden = !one;
  $("alarm-ways").hidden = !one || Boolean(one.answered);
  if (!one) return;
  if (one.answered) fill("alarm", `${words("alarm-answered")} ${one.by}${one.answer ? `: ${one.answer}` : ""}`);
  else fill("alarm", words(one.sent ? "alarm-sent" : "alarm-waits"));
  $("alarm-tel").hidden = $("alarm-sms").hidden = !phone;
  $("alarm-tel").href = `tel:${phone}`;
  $("alarm-sms").href = `sms:${phone}`;
}

async function call(kind) {
  const position = $("alarm-place").checked ? await here() : null;
  await raise({ kind, practice, position });
  await draw();
  await send();
  await draw();
}

$("help").addEventListener("click", () => call("help"));
$("panic").addEventListener("click", () => call("panic"));
