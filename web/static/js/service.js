// Beside a user's name: whether the service is interrupted or something is said of it, and what waits for him of the
// visits and of requests. It swaps nothing else, and whoever has the keyboard keeps it: a badge that says the same stays.

const EVERY_MS = 30_000;
const BADGES = ["service-news", "field-news", "case-news"];
const shown = {};

async function look(name) {
  const badge = document.getElementById(name);
  if (!badge || document.hidden) return;
  try {
    const answer = await fetch(badge.dataset.from);
    const html = answer.ok ? (await answer.text()).trim() : shown[name];
    if (html && html !== shown[name]) badge.outerHTML = html;
    shown[name] = html;
  } catch {
    // the page says by itself that nobody answers
  }
}

function lookAll() {
  BADGES.forEach(look);
}

lookAll();
setInterval(lookAll, EVERY_MS);
document.addEventListener("visibilitychange", lookAll);
