// Writing a call up with few keystrokes: a letter chooses topic and outcome, a digit puts a template into the note.

document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const list = event.target.closest?.("select[data-letters]");
  const option = list?.querySelector(`option[data-letter="${CSS.escape(event.key.toLowerCase())}"]`);
  if (option) {
    event.preventDefault(); // the browser would look for words that begin so
    list.value = option.value;
    list.dispatchEvent(new Event("input", { bubbles: true }));
    list.dispatchEvent(new Event("change", { bubbles: true }));
    return;
  }
  const choice = event.target.closest?.("[data-choices]")?.querySelector(`button[data-letter="${CSS.escape(event.key.toLowerCase())}"]`);
  if (choice && !choice.disabled && !event.target.matches("input, textarea, select")) {
    event.preventDefault();
    choice.click();
    return;
  }
  const box = event.target.closest?.("details.templates[open]");
  const chosen = box?.querySelector(`[data-digit="${CSS.escape(event.key)}"]`);
  if (chosen) {
    event.preventDefault();
    chosen.click();
  } else if (box && event.key === "Escape") {
    box.open = false;
    box.querySelector("summary").focus();
  }
});

/** Where the cursor is in a field; at its end, on a line of its own, where nobody has put it yet. */
function insert(field, text) {
  const before = field.value.slice(0, field.selectionStart);
  const glue = before && !/\s$/.test(before) ? "\n" : "";
  field.focus();
  field.setRangeText(glue + text, field.selectionStart, field.selectionEnd, "end");
  field.dispatchEvent(new Event("input", { bubbles: true })); // it is a draft on the server like what is typed
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (!button) return;
  insert(document.getElementById(button.dataset.insert), button.dataset.text);
  button.closest("details").open = false;
});
