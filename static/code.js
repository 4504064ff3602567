// Optional: the page of the code works without it.
"use strict";

const field = document.getElementById("id_code");
const form = field && field.form;
const news = document.getElementById("news");
const able = document.getElementById("id_able");
const now = () => Date.now() / 1000;

function announce(words) {
  news.textContent = "";
  news.textContent = words;
}

// The code sends itself once all its digits are there, by whatever hand they came: typed, pasted
// with the words around them, filled in by the keyboard. The server reads them again.
if (field) {
  const length = Number(field.dataset.length);
  const one = "\\p{Nd}[\\s-]?";
  const alone = new RegExp(`(?:^|\\P{Nd})((?:${one}){${length - 1}}\\p{Nd})(?![\\s-]?\\p{Nd})`, "u");
  let sent = "";

  const send = () => {
    if (form.dataset.sent || sent === field.value) return;
    sent = field.value;
    form.querySelector("[type=submit]").click();
  };
  const read = () => {
    const found = alone.exec(field.value);
    if (!found) return;
    // Show what was understood of a text that was pasted whole.
    if (/\p{L}/u.test(field.value)) field.value = found[1].replace(/[\s-]/g, "");
    send();
  };
  field.addEventListener("input", (event) => {
    if (!event.isComposing) read();
  });
  // What was typed while this script was on its way; not what a browser put back into a page that
  // is seen again.
  if (performance.getEntriesByType("navigation")[0]?.type === "navigate") read();

  // Android offers the code of the text that names this site.
  if ("OTPCredential" in window) {
    const waiting = new AbortController();
    navigator.credentials
      .get({ otp: { transport: ["sms"] }, signal: waiting.signal })
      .then((text) => {
        field.value = text.code;
        send();
      })
      .catch(() => {});
    form.addEventListener("submit", () => waiting.abort());
    addEventListener("pagehide", () => waiting.abort());
  }
}

// Whether this device can have a passkey, which is offered after a right code.
if (able && window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
  PublicKeyCredential.isUserVerifyingPlatformAuthenticatorAvailable()
    .then((has) => {
      able.value = has ? "passkey" : "";
    })
    .catch(() => {});
}

// Times, by the clock that the person sees: of a text that was sent again, and when the code ends.
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" });
const texted = document.getElementById("texted");
if (texted) texted.textContent = texted.dataset.at.replace("{time}", clock.format(Date.now()));

const life = document.getElementById("lifetime");
if (life) {
  const end = now() + Number(life.dataset.seconds);
  life.textContent = life.dataset.until.replace("{time}", clock.format(end * 1000));
  const watch = setInterval(() => {
    if (now() < end) return;
    clearInterval(watch);
    life.textContent = life.dataset.over;
    for (const each of document.querySelectorAll("#tries, #hint_auto")) each.hidden = true;
    for (const button of document.querySelectorAll("#id_code ~ button, #resend > button")) {
      button.classList.toggle("secondary", button.form === form);
    }
    announce(life.dataset.over);
  }, 1000);
}

// Until another text may be asked for. Screen readers hear only the end, not each second.
const again = document.getElementById("resend");
const wait = document.getElementById("wait");
if (again && wait) {
  const end = now() + Number(wait.dataset.seconds);
  const button = again.querySelector("button");
  // Other ways than a text: they share the wait, and are shown once it is over.
  const channels = document.querySelector("#channels[data-after-wait]");
  if (channels) channels.hidden = true;
  const countdown = wait.querySelector("bdi");
  if (!countdown) {
    const at = new Date(end * 1000);
    const day = at.getDate() === new Date().getDate() ? {} : { weekday: "long" };
    const time = at.toLocaleString(document.documentElement.lang, {
      ...day,
      hour: "numeric",
      minute: "2-digit",
    });
    wait.textContent = wait.dataset.at.replace("{time}", time);
  }
  let ticking;
  const tick = () => {
    const left = Math.max(0, Math.ceil(end - now()));
    if (countdown) countdown.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}`;
    if (left) return;
    clearInterval(ticking);
    wait.textContent = wait.dataset.ready;
    button.removeAttribute("aria-disabled");
    if (channels) channels.hidden = false;
    announce(wait.dataset.ready);
  };
  button.setAttribute("aria-disabled", "true");
  button.addEventListener("click", (event) => {
    if (!button.hasAttribute("aria-disabled")) return;
    event.preventDefault();
    announce(wait.textContent);
  });
  ticking = setInterval(tick, 250);
  tick();
}
