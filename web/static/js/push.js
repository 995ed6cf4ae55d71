// A browser says that its user wants to be told there: it subscribes at its push service, and tells us the address.

import { notify } from "./live.js";

const button = document.getElementById("push-on");

const bytes = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

async function subscribe() {
  if (!("serviceWorker" in navigator) || !("PushManager" in window)) return notify(button.dataset.missing);
  if ((await Notification.requestPermission()) !== "granted") return notify(button.dataset.refused);
  const worker = await navigator.serviceWorker.register("/push-worker.js", { scope: "/" });
  await navigator.serviceWorker.ready;
  const key = bytes(button.dataset.key);
  let subscription;
  try {
    subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  } catch (error) {
    if (error.name !== "InvalidStateError") return notify(button.dataset.missing); // no push service is to be had
    await (await worker.pushManager.getSubscription()).unsubscribe(); // made under another key
    subscription = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
  }
  const { endpoint, keys } = subscription.toJSON();
  const headers = JSON.parse(document.body.getAttribute("hx-headers:inherited"));
  const body = new URLSearchParams({ endpoint, p256dh: keys.p256dh, auth: keys.auth });
  const answer = await fetch("/alerts/browsers", { method: "POST", headers, body });
  if (!answer.ok) return notify((await answer.json().catch(() => ({}))).message ?? button.dataset.missing);
  sessionStorage.setItem("done", button.dataset.done);
  location.reload();
}

button?.addEventListener("click", subscribe);
