// Keys, each with Alt and written beside what they do: `data-key` on a button presses it, on a field goes there.

document.addEventListener("keydown", (event) => {
  if (!event.altKey || event.ctrlKey || event.metaKey || !event.code.startsWith("Key")) return;
  const key = event.code.slice(3).toLowerCase();
  const marked = document.querySelectorAll(`[data-key="${key}"]:not(:disabled)`);
  const found = [...marked].find((one) => one.checkVisibility());
  if (!found) return;
  event.preventDefault();
  if (found.matches("input, select, textarea")) found.focus();
  else found.click();
});
