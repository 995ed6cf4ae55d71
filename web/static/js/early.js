// What is pressed before the page's scripts run is done once they do. Loaded before the page is parsed: a form of
// htmx's pressed by then would go out as the browser's own, with all that is typed in it in the address.

let early = null; // the last thing pressed, to be pressed again
const typed = []; // by whoever leads an interview and knows the next question: digits that choose, and Enter after them
let ready = false;

function hold(event, again) {
  event.preventDefault();
  early = again;
}

document.addEventListener(
  "submit",
  (event) => {
    const { target: form, submitter } = event;
    if (!ready && form.matches("form:not([method], [action])")) hold(event, () => form.requestSubmit(submitter));
  },
  true,
);
document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest?.("button:is([hx-post], [hx-get], [hx-put], [hx-delete])");
    if (!ready && button) hold(event, () => button.click());
  },
  true,
);

document.addEventListener(
  "keydown",
  (event) => {
    const chooses = event.target === document.body || event.target.matches?.("input[type=radio], input[type=checkbox]");
    if (ready || !chooses || !(/^\d$/.test(event.key) || (typed.length && event.key === "Enter"))) return;
    event.preventDefault();
    typed.push(event.key);
  },
  true,
);

/** Type into an interview's answers what was typed before its script ran. */
function type(form) {
  for (const key of typed.splice(0)) {
    if (key === "Enter") form.requestSubmit(form.querySelector("button.primary"));
    else
      form
        .querySelector("input[type=radio], input[type=checkbox]")
        ?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  }
}

// Once everything that waits for the parsed page has had its turn.
document.addEventListener("DOMContentLoaded", () =>
  setTimeout(() => {
    if (!window.htmx) return; // it did not arrive: nothing is sent in another way
    ready = true;
    early?.();
    early = null;
    const interview = document.querySelector("[data-interview]");
    if (interview) type(interview);
  }),
);
