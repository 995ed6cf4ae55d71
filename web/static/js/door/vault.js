// What this telephone knows, encrypted: opened by the agent's code together with a secret that never leaves the browser.
// In clear are only a random id, counters and instants: nothing of a person.

const ITERATIONS = 600_000; // PBKDF2-HMAC-SHA256, as OWASP's Password Storage Cheat Sheet has it
const FREE_TRIES = 3;
const MOST_TRIES = 10;
const PROOF = "door";

let opened = null;
let key = null;

const database = () => (opened ??= new Promise((resolve, reject) => {
  const asked = indexedDB.open("door", 1);
  asked.onupgradeneeded = () => {
    asked.result.createObjectStore("plain");
    asked.result.createObjectStore("sealed");
  };
  asked.onsuccess = () => resolve(asked.result);
  asked.onerror = () => reject(asked.error);
}));

async function on(store, mode, work) {
  const transaction = (await database()).transaction(store, mode);
  const asked = work(transaction.objectStore(store));
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve(asked.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

export const plain = (name) => on("plain", "readonly", (store) => store.get(name));
export const setPlain = (name, value) => on("plain", "readwrite", (store) => store.put(value, name));
const raw = (name) => on("sealed", "readonly", (store) => store.get(name));
export const forget = (name) => on("sealed", "readwrite", (store) => store.delete(name));
export const names = () => on("sealed", "readonly", (store) => store.getAllKeys());

async function derived(code, { salt, secret }) {
  const typed = await crypto.subtle.importKey("raw", new TextEncoder().encode(code), "PBKDF2", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS }, typed, 256);
  const mixed = await crypto.subtle.sign("HMAC", secret, bits);
  return crypto.subtle.importKey("raw", mixed, "AES-GCM", false, ["encrypt", "decrypt"]);
}

export async function seal(name, value) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const clear = new TextEncoder().encode(JSON.stringify(value));
  const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: new TextEncoder().encode(name) }, key, clear);
  await on("sealed", "readwrite", (store) => store.put({ iv, data }, name));
}

async function unsealed(name, by) {
  const found = await raw(name);
  if (!found) return undefined;
  const additionalData = new TextEncoder().encode(name);
  const clear = await crypto.subtle.decrypt({ name: "AES-GCM", iv: found.iv, additionalData }, by, found.data);
  return JSON.parse(new TextDecoder().decode(clear));
}

export const unseal = (name) => unsealed(name, key);

export const isOpen = () => key !== null;

export function lock() {
  key = null;
}

// A new telephone: `code` opens it from now on.
export async function create(code, device) {
  await wipe();
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const secret = await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  await setPlain("device", { id: device.id, salt, secret });
  await setPlain("tries", { wrong: 0, until: 0 });
  key = await derived(code, { salt, secret });
  await seal("proof", PROOF);
  await seal("token", device.token);
}

// Seconds to wait before the next try; 0 for none.
export const waitFor = async () => Math.max(0, Math.ceil((((await plain("tries"))?.until ?? 0) - Date.now()) / 1000));

// `open`, `wrong` with how many tries are left, or `wiped`: after ten wrong codes nothing is left to be opened.
export async function open(code) {
  const device = await plain("device");
  const tries = (await plain("tries")) ?? { wrong: 0, until: 0 };
  const tried = await derived(code, device);
  try {
    if ((await unsealed("proof", tried)) !== PROOF) throw new Error("wrong");
  } catch {
    const wrong = tries.wrong + 1;
    if (wrong >= MOST_TRIES) {
      await wipe();
      return { is: "wiped" };
    }
    const wait = wrong < FREE_TRIES ? 0 : 1000 * 2 ** (wrong - FREE_TRIES + 1);
    await setPlain("tries", { wrong, until: Date.now() + wait });
    return { is: "wrong", left: MOST_TRIES - wrong };
  }
  key = tried;
  await setPlain("tries", { wrong: 0, until: 0 });
  return { is: "open" };
}

// All of it goes.
export async function wipe() {
  key = null;
  await on("sealed", "readwrite", (store) => store.clear());
  await on("plain", "readwrite", (store) => store.clear());
}
