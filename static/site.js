// Optional: every page works without it.
"use strict";

// A form is sent once, until its page is seen again or the answer stays away.
const PATIENCE = 15000;

function rest(form) {
  delete form.dataset.sent;
  // With the buttons that stand elsewhere on the page, as those of the languages do.
  for (const button of form.elements) button.removeAttribute("aria-busy");
}

// Without a network the browser would show a page of its own, and forget what was typed.
const offline = document.getElementById("offline");
addEventListener("online", () => { offline.hidden = true; });

for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) return event.preventDefault();
    if (navigator.onLine === false) {
      offline.hidden = false;
      offline.scrollIntoView({ block: "nearest" });
      return event.preventDefault();
    }
    form.dataset.sent = "yes";
    const button = event.submitter || form.querySelector("[type=submit]");
    if (button) button.setAttribute("aria-busy", "true");
    setTimeout(rest, PATIENCE, form);
  });
}
addEventListener("pageshow", (event) => {
  if (event.persisted) Array.from(document.forms, rest);
});

for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => print());
}

// Who repairs what they typed goes on at its end.
const first = document.querySelector("input[autofocus]");
if (first) first.setSelectionRange(first.value.length, first.value.length);

// The part for passkeys is fetched where the browser has them.
const passkey = document.querySelector("#passkey[data-script]");
if (passkey && window.PublicKeyCredential?.parseRequestOptionsFromJSON) {
  import(passkey.dataset.script);
}

// The example is of the chosen country.
const country = document.getElementById("id_country");
if (country) {
  const show = () => {
    document.getElementById("example").textContent = country.selectedOptions[0].dataset.example;
  };
  country.addEventListener("change", show);
  // A number with + moves the list to its country, unless several share its calling code.
  document.getElementById("id_phone").addEventListener("input", (event) => {
    const typed = event.target.value.replace(/[^+\d]/g, "");
    if (!typed.startsWith("+")) return;
    const code = (option) => /\+\d+/.exec(option.text)[0];
    const found = Array.from(country.options).filter((each) => typed.startsWith(code(each)));
    if (found.length !== 1) return;
    country.value = found[0].value;
    show();
  });
  addEventListener("pageshow", show);
}
