// What is pressed before the page's scripts run is done once they do. Loaded before the page is parsed: a form of
// htmx's pressed by then would go out as the browser's own, with all that is typed in it in the address.

let early = null; // the last thing pressed, to be pressed again
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

// Once everything that waits for the parsed page has had its turn.
document.addEventListener("DOMContentLoaded", () =>
  setTimeout(() => {
    if (!window.htmx) return; // it did not arrive: nothing is sent in another way
    ready = true;
    early?.();
    early = null;
  }),
);
