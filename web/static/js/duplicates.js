// The list of possible duplicates is walked through with the arrows; Enter compares.

document.addEventListener("keydown", (event) => {
  if ((event.key !== "ArrowDown" && event.key !== "ArrowUp") || event.target.closest("input, textarea, select")) return;
  const all = [...document.querySelectorAll("#pairs .pair a")];
  const at = all.indexOf(event.target.closest(".pair")?.querySelector("a"));
  const next = at < 0 ? 0 : at + (event.key === "ArrowDown" ? 1 : -1);
  all[Math.max(0, Math.min(next, all.length - 1))]?.focus();
  event.preventDefault();
});
