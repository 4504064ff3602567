// Local mode only: the inbox in the other window does what a phone's keyboard does with a code.
"use strict";

new BroadcastChannel("inbox").addEventListener("message", ({ data }) => {
  const field = document.querySelector("[autocomplete=one-time-code]");
  if (!field) return;
  field.focus();
  field.value = data.code;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
});
