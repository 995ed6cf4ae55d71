// Keys, each with Alt and written beside what they do: `data-key` on a button presses it, on a field goes there, as it
// does on whatever has `data-goes`.

/** The key that was pressed with Alt, a letter or a digit; none for anything else. */
export function keyOf(event) {
  if (!event.altKey || event.ctrlKey || event.metaKey) return null;
  return /^(?:Key|Digit)(\w)$/.exec(event.code)?.[1].toLowerCase() ?? null;
}

document.addEventListener("keydown", (event) => {
  const key = keyOf(event);
  if (key === null) return;
  const marked = document.querySelectorAll(`[data-key="${key}"]:not(:disabled)`);
  const found = [...marked].find((one) => one.checkVisibility());
  if (!found) return;
  event.preventDefault();
  if (found.matches("input, select, textarea, [data-goes]")) found.focus();
  else found.click();
});
