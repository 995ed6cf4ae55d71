// The citizens' pages, better with a script: the countdown stays true, errors take the focus, the puzzle is solved.
const shown = performance.now();

document.querySelector("[data-focus]")?.focus();

const hold = document.querySelector("#hold");
if (hold && !hold.classList.contains("warning")) {
  const left = Date.parse(hold.dataset.until) - Date.parse(hold.dataset.now); // by the server's clock, both
  const words = hold.querySelector(".left");
  const status = hold.querySelector("[role=status]");
  const tick = () => {
    const rest = left - (performance.now() - shown);
    if (rest <= 0) {
      hold.classList.replace("note", "warning");
      hold.querySelector("p").textContent = hold.dataset.over;
      status.textContent = hold.dataset.over;
      return;
    }
    const minutes = Math.ceil(rest / 60000);
    const said = minutes === 1 ? hold.dataset.one : hold.dataset.many.replace("{n}", minutes);
    if (words.textContent !== said) {
      words.textContent = said;
      if (minutes <= 2) status.textContent = said;
    }
    setTimeout(tick, Math.min(1000, rest));
  };
  tick();
}

// Whoever has solved it may book more often from one address; whoever has no script books as well. It is begun once the
// page stands: a slow phone has its hands full before.
const confirm = document.querySelector("#confirm[data-puzzle]");
const solve = () => {
  const worker = new Worker("/static/js/booking_puzzle.js");
  worker.onmessage = ({ data }) => {
    confirm.form.elements.answer.value = data;
    worker.terminate();
  };
  worker.postMessage(confirm.dataset.puzzle);
};
if (confirm && window.Worker) setTimeout(solve, 2000);
