// Deciding by keyboard: arrows go through the proposals, Space chooses, Alt and a letter decides on those chosen.

const boxes = () => [...document.querySelectorAll('#proposals input[name="proposal"]')];

function count() {
  for (const place of document.querySelectorAll("[data-chosen]")) {
    place.textContent = boxes().filter((box) => box.checked).length;
  }
}

document.addEventListener("keydown", (event) => {
  const all = boxes();
  const at = all.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && all.length && (at >= 0 || document.activeElement === document.body)) {
    all[Math.min(all.length - 1, Math.max(0, at + step))].focus();
    event.preventDefault();
    return;
  }
  if (!event.altKey || event.ctrlKey || event.metaKey) return;
  const key = event.code.replace("Key", "").toLowerCase();
  if (key === "t") {
    const choose = !all.every((box) => box.checked);
    for (const box of all) box.checked = choose;
    count();
    event.preventDefault();
    return;
  }
  const button = document.querySelector(`[data-key="${CSS.escape(key)}"]:not(:disabled)`);
  if (button) {
    event.preventDefault();
    button.click();
  }
});

document.addEventListener("change", count);
document.addEventListener("htmx:ws:after:message:incoming", count);
