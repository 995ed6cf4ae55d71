// What is typed before an interview's script runs, or while an answer is on its way, waits for the question that it is
// meant for (interview.js). Loaded before the page is parsed. Where that script does not arrive nothing waits: the page is
// a plain form.

window.typedAhead = { keys: [], waits: true, isHeard: false };

/** Whether a key is an interview's: what is typed, Enter, Alt with an arrow or a letter; not what is done elsewhere. */
function isOfInterview({ key, code, target, altKey, ctrlKey, metaKey, shiftKey, isComposing, isTyped }) {
  if (metaKey || isComposing) return false;
  if (target.closest && !target.closest("#interview") && target !== document.body) return false;
  if (isTyped) return true;
  if (altKey) return !ctrlKey && /^(ArrowLeft|ArrowRight|Key\w|Digit\w)$/.test(code) && !("keysOff" in document.body.dataset);
  if (ctrlKey) return key === "Enter";
  return key === "Enter" || key === "Backspace" || (key === "Tab" && !shiftKey);
}

document.addEventListener(
  "keydown",
  (event) => {
    const { keys, waits } = window.typedAhead;
    const isTyped = event.key.length === 1 && (event.getModifierState("AltGraph") || !(event.altKey || event.ctrlKey));
    const { key, code, target, altKey, ctrlKey, metaKey, shiftKey, isComposing } = event;
    const pressed = { key, code, target, altKey, ctrlKey, metaKey, shiftKey, isComposing, isTyped, bubbles: true };
    if (!waits || !isOfInterview(pressed)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!event.repeat) keys.push(pressed); // held down, a key is pressed once
  },
  true,
);

document.addEventListener("DOMContentLoaded", () => {
  if (!window.typedAhead.isHeard) window.typedAhead.waits = false;
});
