// Keys, each with Alt and written beside what they do: `data-key` on a button presses it, on a field goes there, as it
// does on whatever has `data-goes`.

import { notify } from "./live.js";

const moved = JSON.parse(document.body.dataset.keys ?? "{}"); // a key's place, by its name: where this person has it
export const off = "keysOff" in document.body.dataset;
const nameAt = (place) => Object.keys(moved).find((name) => moved[name] === place) ?? (place in moved ? null : place);

/** The name of the key that was pressed with Alt, a letter or a digit; none for anything else. */
export function keyOf(event) {
  if (off || !event.altKey || event.ctrlKey || event.metaKey) return null;
  const place = /^(?:Key|Digit)(\w)$/.exec(event.code)?.[1].toLowerCase();
  return place === undefined ? null : nameAt(place);
}

/** A key that does something on this page at other times is not silently nothing. */
function sayNotNow(place, key) {
  const { known, notNow } = document.getElementById("shortcuts")?.dataset ?? {};
  if (known?.split(" ").includes(key)) notify(notNow.replace("{key}", `Alt+${place}`));
}

// What is written beside the buttons is where this person has them. A region that is pushed brings the usual anew.
const USUAL = /^Alt\+(\w)$/;
function relabel() {
  for (const one of document.querySelectorAll("kbd:not([data-named])")) {
    const name = USUAL.exec(one.textContent)?.[1].toLowerCase();
    one.dataset.named = name ?? "";
    if (name in moved) one.textContent = `Alt+${moved[name].toUpperCase()}`;
  }
}
if (Object.keys(moved).length) {
  relabel();
  new MutationObserver(relabel).observe(document.body, { subtree: true, childList: true, characterData: true, attributeFilter: ["data-named"] });
}

document.addEventListener("keydown", (event) => {
  const key = keyOf(event);
  if (key === null) return;
  const marked = document.querySelectorAll(`[data-key="${key}"]:not(:disabled)`);
  const found = [...marked].find((one) => one.checkVisibility());
  if (!found) return setTimeout(() => event.defaultPrevented || sayNotNow(event.code.at(-1), key)); // another's, perhaps
  event.preventDefault();
  if (found.matches("input, select, textarea, [data-goes]")) found.focus();
  else found.click();
});
