// A choice by one key: inside `data-picks` the letter or the digit that stands before a button presses it.

document.addEventListener("keydown", (event) => {
  const box = event.target.closest?.("[data-picks]");
  if (!box || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key === "Enter" && event.repeat) return event.preventDefault(); // held down, it would press what comes next
  if (event.target.matches("input, select, textarea")) return;
  const found = box.querySelector(`[data-pick="${CSS.escape(event.key.toLowerCase())}"]`);
  if (!found) return;
  event.preventDefault();
  found.click();
});
