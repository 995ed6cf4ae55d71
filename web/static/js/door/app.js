// The page of the doors: which screen, what is kept and for how long, when to ask the server. The rules of a visit are
// in `rules.js`, what is kept in `vault.js`, the way to the server in `link.js`.

import { lookForNew, shellIn } from "./shell.js";
import * as alarm from "./alarm.js";
import * as link from "./link.js";
import { qr } from "./picture.js";
import { $, day, fill, isShown, made, moment, say, show, tell, words } from "./screens.js";
import * as vault from "./vault.js";
import * as visit from "./visit.js";

const DAY_MS = 86_400_000;
const LEFT_MS = 600_000; // out of sight for so long, it is locked
const CLOCK_OFF_S = 300;
const LOOK_MS = 60_000;
const ASKED_MS = 15_000; // the gestionali are being asked: then the packet says what they answered
const MOST_ASKINGS = 6; // each time a little later
const OLD_MS = 1_800_000; // a packet so old is asked for again while nobody is being visited
let packet = null;
let who = { is: "away" };
let askedAgain = null;
let askings = 0;

const line = (is) => {
  for (const one of document.querySelectorAll("#line [data-is]")) one.hidden = one.dataset.is !== (is === "away" ? "off" : "on");
};

// -- what may still be kept -------------------------------------------------------------------------------------------

// After too many days without contact what is known of people goes; what waits to be sent stays, encrypted.
async function forgetOld() {
  const contact = await vault.plain("contact");
  if (!contact || Date.now() - contact.at < (contact.keep ?? 3) * DAY_MS) return;
  await vault.forget("packet");
  packet = null;
  say("old");
}

// Nobody is signed in any more: what is known of people goes; the rest waits for whoever signs in again.
async function signedOut() {
  await vault.forget("packet");
  packet = null;
  say("signed-out");
}

// The server wants it empty. What waits goes first, which takes the code; without any it goes at once.
async function empty() {
  await vault.forget("packet");
  packet = null;
  if (!vault.isOpen() && (await link.waits())) return false;
  if (vault.isOpen()) {
    await visit.giveUp();
    if (!(await link.send(async () => {}))) return false;
    await link.wiped();
  }
  await vault.wipe();
  visit.leave();
  say("wiped");
  return true;
}

async function heard(told) {
  line(told.is === "away" ? "away" : "on");
  if (told.is !== "told") return;
  fill("waits", String(await link.waits()));
  if (Math.abs(told.off_s) > CLOCK_OFF_S) say("clock", String(Math.round(told.off_s / 60)));
  if (told.answers.some((one) => one.taken === "apart")) say("apart");
  if ((await vault.names()).some((name) => name.startsWith("refused:"))) say("refused");
  await alarm.draw();
  if (told.wipe) queueMicrotask(async () => { await empty(); await start(); });
}

// -- screens ----------------------------------------------------------------------------------------------------------

export async function start() {
  const device = await vault.plain("device");
  who = await link.session();
  line(who.is);
  alarm.ready(vault.isOpen());
  if (!device) return show(who.is === "here" ? "register" : "nobody");
  await forgetOld();
  if ((await link.mustWipe(device.id)) === true && (await empty())) return start();
  if (who.is === "nobody") await signedOut();
  if (!vault.isOpen()) {
    show("locked");
    return $("code").focus();
  }
  return opened();
}

async function opened() {
  alarm.ready(true);
  packet = (await vault.unseal("packet")) ?? null;
  const begun = await visit.begun();
  if (begun && packet?.stops.some((one) => one.practice === begun.practice)) return visiting(begun.practice);
  await visit.giveUp(); // of whom nothing is known here any more: what was done is told as it stands
  await list();
  return refresh();
}

async function list() {
  const over = (await vault.unseal("over")) ?? [];
  fill("made", packet ? moment(packet.made_at) : "—");
  fill("waits", String(await link.waits()));
  $("stops").replaceChildren(...(packet?.stops ?? []).map((one) => {
    const button = made("button", over.includes(one.practice) ? `✓ ${one.name}` : one.name, over.includes(one.practice) ? "done" : "");
    button.type = "button";
    button.append(made("span", one.place, "place"));
    if (one.checked) button.append(made("span", one.checked.at ? `${words("checked")} ${moment(one.checked.at)}` : words("unchecked"), "place"));
    if (one.planned) button.append(made("span", `${words("planned")} ${moment(one.planned)}`, "place"));
    if (one.not_before && new Date(one.not_before) > Date.now()) {
      button.append(made("span", `${words("not-before")} ${day(one.not_before)}`, "place"));
    }
    button.addEventListener("click", () => visiting(one.practice));
    const item = made("li");
    item.append(button);
    return item;
  }));
  $("offers").hidden = who.is !== "here"; // what has to be accepted first takes a network
  fill("offered", String(who.offered ?? 0));
  $("no-packet").hidden = Boolean(packet);
  $("no-stops").hidden = !packet || packet.stops.length > 0;
  $("show-badge").hidden = !packet;
  show("list");
  await alarm.draw(packet);
  await shellIn(visit.isOpen);
}

async function visiting(wanted) {
  const practice = (await visit.begun())?.practice ?? wanted;
  if (practice !== wanted) say("begun");
  await visit.begin(packet, practice, async () => {
    await list();
    await link.send(heard);
  });
  show("visit");
  await alarm.draw(packet, practice);
}

// What waits is sent; then what there is to do is asked for anew, unless a visit is open.
async function refresh() {
  if (!(await link.send(heard)) || !vault.isOpen()) return;
  if (who.is !== "here") who = await link.session();
  if (who.is === "nobody") await signedOut();
  if (who.is !== "here" || visit.isOpen()) return;
  const given = await link.packet(who.csrf);
  if (given) {
    const begun = await visit.begun();
    const known = (of) => of?.stops.find((one) => one.practice === begun?.practice);
    if (begun && !known(given) && known(packet)) {
      given.stops.unshift(known(packet));
      given.enti[begun.ente] ??= packet.enti[begun.ente];
      await vault.seal("packet", given);
    }
    packet = given;
    await vault.seal("over", []);
    clearTimeout(askedAgain);
    askings = given.asking ? askings + 1 : 0;
    if (given.asking && askings <= MOST_ASKINGS) askedAgain = setTimeout(refresh, ASKED_MS * askings);
  }
  if (isShown("list")) await list();
}

function badge(back) {
  fill("badge-name", packet.agent.name);
  $("badge-photo").hidden = !packet.agent.photo;
  if (packet.agent.photo) $("badge-photo").src = `data:image/jpeg;base64,${packet.agent.photo}`; // never a file of its own, which a cache would keep in clear
  else $("badge-photo").removeAttribute("src");
  fill("badge-number", String(packet.agent.number));
  fill("badge-until", day(packet.agent.until));
  fill("badge-code", packet.agent.code);
  fill("badge-verify", packet.agent.verify);
  $("badge-qr").replaceChildren(qr(packet.agent.qr, packet.agent.verify));
  $("badge-back").onclick = () => show(back);
  show("badge");
}

// -- what is pressed --------------------------------------------------------------------------------------------------

const plain = (code) => /^(.)\1*$/.test(code) || "01234567890123456789".includes(code) || "98765432109876543210".includes(code);

$("register").addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(event.target));
  if (!/^\d{6,}$/.test(given.code) || plain(given.code)) return say("short");
  if (given.code !== given.again) return say("differ");
  const device = await link.register(who.csrf, given.name);
  if (!device.ok) return device.message ? tell(device.message) : say("offline");
  say("");
  await vault.create(given.code, device);
  await navigator.storage?.persist?.(); // what waits is not to be cleared away for want of room
  event.target.reset();
  return opened();
});

$("unlock").addEventListener("submit", async (event) => {
  event.preventDefault();
  const wait = await vault.waitFor();
  if (wait) return say("later", String(wait));
  const button = event.target.querySelector("button");
  button.disabled = true;
  const { is, left } = await vault.open($("code").value);
  button.disabled = false;
  event.target.reset();
  if (is === "wiped") {
    say("wiped");
    return start();
  }
  if (is === "wrong") return say("wrong", String(left));
  say("");
  return start();
});

$("refresh").addEventListener("click", async () => {
  say("");
  await refresh();
});
$("lock").addEventListener("click", () => {
  vault.lock();
  packet = null;
  start();
});
$("leave").addEventListener("click", async () => {
  await link.send(heard);
  if ((await link.waits()) || visit.isOpen()) return say("unsent");
  if (who.is !== "here") return say("offline");
  await link.wiped();
  await vault.wipe();
  await link.signOut(who.csrf);
  packet = null;
  return start();
});
$("back").addEventListener("click", async () => {
  visit.leave();
  await list();
});
$("show-badge").addEventListener("click", () => badge("list"));
document.querySelector("[data-badge]").addEventListener("click", () => badge("visit"));

// -- when the network comes and goes ----------------------------------------------------------------------------------

let hiddenAt = null;
document.addEventListener("visibilitychange", () => {
  if (document.hidden) hiddenAt = Date.now();
  else if (hiddenAt && Date.now() - hiddenAt > LEFT_MS && vault.isOpen()) location.reload();
});
addEventListener("online", () => refresh());
addEventListener("offline", () => line("away"));
navigator.serviceWorker?.addEventListener("message", ({ data }) => { if (data === "send") link.send(heard); });
setInterval(async () => {
  if (await alarm.waiting()) await link.send(heard);
}, 5_000);
setInterval(() => {
  if (!vault.isOpen() || !navigator.onLine) return;
  const isOld = packet && Date.now() - new Date(packet.made_at) > OLD_MS;
  if (isOld && isShown("list")) refresh();
  else link.send(heard);
}, LOOK_MS);
alarm.sends(() => link.send(heard));
lookForNew(visit.isOpen);
start();
