// Make a passkey, where the browser can.
"use strict";

const form = document.getElementById("passkey");
const button = form.querySelector("button");
const problem = form.querySelector("[data-none]");

if (window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  document.getElementById("unable").hidden = true;
  button.hidden = false;
}

button.addEventListener("click", async () => {
  problem.hidden = true;
  try {
    const options = JSON.parse(form.dataset.options);
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
    const credential = await navigator.credentials.create({ publicKey });
    form.elements.credential.value = JSON.stringify(credential);
    form.requestSubmit();
  } catch (error) {
    const is_known = error.name === "InvalidStateError";
    problem.textContent = is_known ? problem.dataset.known : problem.dataset.none;
    problem.hidden = false;
  }
});
