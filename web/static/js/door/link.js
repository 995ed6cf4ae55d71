// To the server and back: who is signed in, the packet, what waits to be sent. Nothing here keeps anything in clear.

import * as vault from "./vault.js";

export const RUN = crypto.randomUUID(); // this showing of the page: within it time is counted, whatever the clock says
const PATIENCE_MS = 20_000;
const WAITS_MS = [5_000, 15_000, 60_000, 300_000];

export const now = () => ({ at: new Date().toISOString(), run: RUN, elapsed: Math.round(performance.now()) });

// An answer, or none where nobody answered.
async function ask(path, { body, headers = {} } = {}) {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  try {
    return await fetch(path, { ...init, headers: { ...init.headers, accept: "application/json", ...headers }, cache: "no-store", redirect: "error", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    return null;
  }
}

// Who is signed in: `here`, `nobody`, or `away` when the server is.
export async function session() {
  const answer = await ask("/door/session");
  if (!answer || answer.status >= 500) return { is: "away" };
  return answer.ok ? { is: "here", ...(await answer.json()) } : { is: "nobody" };
}

export async function register(csrf, name) {
  const answer = await ask("/door/devices", { body: { name }, headers: { "x-csrf-token": csrf } });
  return answer ? { ok: answer.ok, ...(await answer.json().catch(() => ({}))) } : { ok: false };
}

// Whether the server wants this telephone to forget everything; none when it cannot be asked.
export async function mustWipe(id) {
  const answer = await ask("/door/standing", { body: { device: id } });
  return answer?.ok ? (await answer.json()).wipe : null;
}

export async function packet(csrf) {
  const headers = { "x-csrf-token": csrf, "x-door-token": await vault.unseal("token") };
  const answer = await ask("/door/packet", { body: {}, headers });
  if (!answer?.ok) return null;
  const given = await answer.json();
  await vault.seal("packet", given);
  await vault.setPlain("contact", { at: Date.now(), keep: given.keep_days });
  return given;
}

export const wiped = async () => ask("/door/wiped", { body: {}, headers: { "x-door-token": await vault.unseal("token") } });

export async function signOut(csrf) {
  const body = new URLSearchParams({ csrf });
  await fetch("/sign-out", { method: "POST", body, redirect: "manual" }).catch(() => null);
}

// -- what waits ------------------------------------------------------------------------------------------------------

const waiting = async () => (await vault.names()).filter((name) => name.startsWith("out:")).sort();
export const waits = async () => (await waiting()).length;

let queue = Promise.resolve(); // sequences are given one after the other
export function enqueue(entry) {
  queue = queue.catch(() => null).then(async () => {
    const sequence = ((await vault.plain("sequence")) ?? 0) + 1;
    await vault.setPlain("sequence", sequence);
    await vault.seal(`out:${String(sequence).padStart(9, "0")}`, { ...entry, ...now(), sequence });
    const registration = await navigator.serviceWorker?.getRegistration("/door");
    await registration?.sync?.register("door-outbox").catch(() => null);
  });
  return queue;
}

let sending = null;
let failed = 0;
let timer = null;

// Send all that waits, in order; a failure waits longer each time. `heard` gets what the server said.
export function send(heard) {
  sending ??= deliver(heard).finally(() => { sending = null; });
  return sending;
}

async function deliver(heard) {
  clearTimeout(timer);
  if (!vault.isOpen()) return false;
  const alarms = (await vault.unseal("alarms")) ?? [];
  const names = await waiting();
  for (const name of [null, ...names]) {
    const entries = name ? [await vault.unseal(name)] : [];
    const body = { touch: now(), entries, alarms: alarms.filter((one) => !one.sent), asked: alarms.filter((one) => !one.answered).map((one) => one.id) };
    const answer = await ask("/door/outbox", { body, headers: { "x-door-token": await vault.unseal("token") } });
    if (!answer?.ok) {
      timer = setTimeout(() => send(heard), WAITS_MS[Math.min(failed, WAITS_MS.length - 1)]);
      failed += 1;
      await heard({ is: answer ? "refused" : "away" });
      return false;
    }
    const told = await answer.json();
    await vault.setPlain("contact", { ...((await vault.plain("contact")) ?? {}), at: Date.now() });
    for (const one of alarms) {
      const heardOf = told.alarms.find(({ id }) => id === one.id);
      one.sent ||= Boolean(heardOf);
      if (heardOf?.at) Object.assign(one, { answered: heardOf.at, by: heardOf.by, answer: heardOf.answer });
    }
    if (alarms.length) await vault.seal("alarms", alarms);
    if (name) {
      if (told.answers[0]?.taken === "refused") await vault.seal(name.replace("out:", "refused:"), entries[0]);
      await vault.forget(name);
    }
    await heard({ is: "told", ...told, waits: await waits() });
  }
  failed = 0;
  return true;
}

export async function raise(alarm) {
  const alarms = (await vault.unseal("alarms")) ?? [];
  await vault.seal("alarms", [...alarms.slice(-9), { ...alarm, id: crypto.randomUUID(), told: now() }]);
}
