// One tab has the telephone. Whoever wants it asks for this lock, by the desk where it is used; tabs tell each other how
// it stands on a channel of the same name.

const SOON_MS = 300;

export const telephoneAt = (desk) => `filodiretto-telephone${desk}`;

/** Whether another tab speaks on it: whoever took it away now would cut that call off. */
export function isSpokenOn(name) {
  const tabs = new BroadcastChannel(name);
  return new Promise((done) => {
    tabs.addEventListener("message", ({ data }) => "onCall" in data && done(Boolean(data.onCall)));
    tabs.postMessage({ asks: true });
    setTimeout(done, SOON_MS, false);
  }).finally(() => tabs.close());
}
