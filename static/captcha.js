// The page of a CAPTCHA: the provider's script makes a token, and the form sends it.
"use strict";

const place = document.getElementById("captcha");
const news = document.getElementById("news");
const form = place.closest("form");
const button = form.querySelector("[type=submit]");

// Browsers before 2024 do not know by their styles that scripts run.
document.querySelector(".unscripted").hidden = true;

function passed(token) {
  form.elements.answer.value = token;
  button.hidden = false;
  news.textContent = place.dataset.done;
  // After an error the person decides, so that no page sends itself again and again.
  if (place.dataset.goes) button.click();
}

function expired() {
  form.elements.answer.value = "";
  button.hidden = true;
  news.textContent = "";
}

function failed() {
  expired();
  news.textContent = place.dataset.failed;
}

// The provider's script calls it when it is there.
window.captchaReady = () =>
  window[place.dataset.api].render(place, {
    sitekey: place.dataset.sitekey,
    action: place.dataset.action,
    theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light",
    size: innerWidth < 360 ? "compact" : "normal",
    callback: passed,
    "expired-callback": expired,
    "error-callback": failed,
  });

const script = document.createElement("script");
script.src = place.dataset.script;
script.addEventListener("error", failed);
document.head.append(script);
