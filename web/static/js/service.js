// Beside a user's name, whether the service is interrupted or something is said of it. It swaps nothing else, and
// whoever has the keyboard keeps it: a badge that says the same stays.

const EVERY_MS = 30_000;
let shown = "";

async function look() {
  const badge = document.getElementById("service-news");
  if (!badge || document.hidden) return;
  try {
    const answer = await fetch(badge.dataset.from);
    const html = answer.ok ? (await answer.text()).trim() : shown;
    if (html !== shown) badge.outerHTML = html;
    shown = html;
  } catch {
    // the page says by itself that nobody answers
  }
}

look();
setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", look);
