// One visit, led by the rules: each step is kept on the telephone, encrypted, as soon as it is made.

import { enqueue, now } from "./link.js";
import { photograph, qr, signature } from "./picture.js";
import { here } from "./place.js";
import { after, judged, may, outcomes, showsDebt } from "./rules.js";
import { $, day, euro, fill, made, moment, say, words } from "./screens.js";
import * as vault from "./vault.js";

let packet = null;
let stop = null;
let visit = null;
let closed = () => {};
const pen = signature($("signature"));

const door = () => judged(packet.table, visit.deeds);

export const isOpen = () => visit !== null;

// What was begun and not closed, if anything.
export const begun = async () => (vault.isOpen() ? vault.unseal("visit") : undefined);

// What was begun cannot be gone on with: it is told as it stands.
export async function giveUp() {
  const one = await begun();
  if (!one) return;
  await enqueue({ ...one, files: [] });
  await vault.forget("visit");
}

// A visit that was begun is gone on with, whatever happened to the page.
export async function begin(given, practice, whenClosed) {
  packet = given;
  stop = packet.stops.find((one) => one.practice === practice);
  closed = whenClosed;
  const kept = await begun();
  visit = kept?.practice === practice ? kept : {
    id: crypto.randomUUID(), ente: stop.ente, practice, mandate: stop.mandate, deeds: [], position: null, details: {},
  };
  for (const form of ["who", "outcome", "end"]) $(form).reset();
  pen.clear();
  const ente = packet.enti[stop.ente];
  fill("whose", stop.name);
  fill("where", stop.place);
  for (const one of document.querySelectorAll("[data-words]")) one.textContent = ente.words[one.dataset.words];
  fill("notice-code", stop.code);
  fill("notice-phone", ente.phone);
  fill("notice-booking", ente.booking);
  $("photo-part").hidden = !stop.photograph;
  for (const one of $("whom").options) one.hidden = one.value === (stop.company ? "himself" : "company");
  draw();
}

export function leave() {
  $("unsafe").hidden = true;
  visit = null;
  stop = null;
}

function debts() {
  const list = $("debts");
  list.replaceChildren();
  if (!showsDebt(packet.table, door())) return; // before that nothing of a debt is in the page at all
  for (const one of stop.debts) {
    const item = made("li");
    item.append(made("strong", one.what || one.reference), made("p", one.tax ?? ""));
    for (const pay of one.pay) {
      item.append(made("p", pay.due_on ? `${euro(pay.cents)} · ${words("due")} ${day(pay.due_on)}` : euro(pay.cents)));
      if (pay.notice) item.append(made("p", pay.notice, "num"), qr(pay.qr, pay.notice));
    }
    if (one.as_of) item.append(made("p", `${words("as-of")} ${moment(one.as_of)}`, "quiet"));
    list.append(item);
  }
}

function draw() {
  const at = door();
  for (const part of document.querySelectorAll("[data-stage]")) part.hidden = !part.dataset.stage.split(" ").includes(at.stage);
  $("unsafe").hidden = !may(packet.table, at, "unsafe");
  const allowed = outcomes(packet.table, at);
  for (const one of $("outcome-is").options) one.hidden = one.disabled = one.value !== "" && !allowed.includes(one.value);
  if ($("outcome-is").selectedOptions[0]?.disabled) $("outcome-is").value = "";
  fill("given", at.outcome ? ($("outcome-is").querySelector(`[value="${at.outcome}"]`)?.textContent ?? $("unsafe").textContent) : "");
  debts();
  choose();
}

// The fields that what is chosen asks for, and no others.
function choose() {
  const whom = $("whom").value;
  document.querySelector('[data-if="named"]').hidden = !packet.table.named.includes(whom);
  document.querySelector('[data-if="identity"]').hidden = !packet.table.entitled.includes(whom);
  for (const part of document.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== $("outcome-is").value;
}

async function did(done) {
  const { fault } = after(packet.table, door(), done);
  if (fault) return say(fault);
  say("");
  visit.deeds.push({ ...done, ...now() });
  await vault.seal("visit", visit);
  draw();
}

const cents = (text) => {
  const found = /^(\d{1,7})(?:[.,](\d{1,2}))?$/.exec(text.trim());
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "0").padEnd(2, "0")) : null;
};

function told(fields) {
  const given = Object.fromEntries(fields);
  const details = {};
  if (given.outcome === "promise") {
    if (!given.pay_on || (given.euro && cents(given.euro) === null)) return null;
    Object.assign(details, { pay_on: given.pay_on, cents: given.euro ? cents(given.euro) : null });
  }
  if (given.outcome === "moved" && given.street) {
    details.address = { street: given.street, postcode: given.postcode, town: given.town, province: given.province.toUpperCase() };
  }
  if (given.outcome === "deceased" && given.since) details.since = given.since;
  return details;
}

async function end() {
  const files = [];
  const signed = pen.data();
  if (signed) files.push({ kind: "signature", data: signed });
  const photo = stop.photograph ? $("photo").files[0] : null;
  if (photo) {
    const data = await photograph(photo);
    if (!data) return say("photo");
    files.push({ kind: "photograph", data });
  }
  await did({ deed: "left" });
  await enqueue({ ...visit, details: { ...visit.details, note: $("note").value }, files });
  const over = ((await vault.unseal("over")) ?? []).filter((id) => packet.stops.some((one) => one.practice === id));
  await vault.seal("over", [...over, visit.practice]);
  await vault.forget("visit");
  leave();
  closed();
}

for (const button of document.querySelectorAll("[data-deed]")) {
  button.addEventListener("click", async () => {
    if (button.dataset.deed === "arrived") {
      button.disabled = true;
      visit.position = $("with-place").checked ? await here() : { why: "not_wanted" };
      button.disabled = false;
    }
    const said = button.dataset.deed === "told" ? { words: packet.enti[stop.ente].words_version } : {};
    await did({ deed: button.dataset.deed, ...said });
  });
}
$("unsafe").addEventListener("click", () => did({ deed: "unsafe" }));
$("whom").addEventListener("change", choose);
$("outcome-is").addEventListener("change", choose);
$("no-signature").addEventListener("click", () => pen.clear());
$("who").addEventListener("submit", (event) => {
  event.preventDefault();
  const given = Object.fromEntries(new FormData(event.target));
  const entitled = packet.table.entitled.includes(given.whom);
  if (entitled && (!given.identity || given.identity === "none")) return say("missing");
  const named = packet.table.named.includes(given.whom) ? { name: given.name, capacity: given.capacity } : {};
  return did({ deed: "who", whom: given.whom, ...named, ...(entitled ? { identity: given.identity } : {}) });
});
$("outcome").addEventListener("submit", (event) => {
  event.preventDefault();
  const fields = new FormData(event.target);
  const details = told(fields);
  if (!details) return say("missing");
  visit.details = details;
  return did({ deed: "outcome", outcome: fields.get("outcome") });
});
$("end").addEventListener("submit", (event) => {
  event.preventDefault();
  const button = event.submitter;
  if (button) button.disabled = true;
  end().finally(() => { if (button) button.disabled = false; });
});
