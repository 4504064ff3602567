// Shows new texts as they arrive, without moving what is being read; fills in a code elsewhere.
"use strict";

const main = document.querySelector("main");
const told = document.getElementById("told");
const site = new BroadcastChannel("inbox");

async function refresh() {
  try {
    const reply = await fetch(location.href);
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    const fresh = page.querySelector("main");
    if (fresh && fresh.innerHTML !== main.innerHTML) {
      main.replaceChildren(...fresh.childNodes);
    }
  } catch {
    // The site is starting again; the next look will tell.
  }
}

main.addEventListener("click", (event) => {
  const button = event.target.closest("button[value]");
  if (!button) return;
  site.postMessage({ code: button.value });
  told.textContent = told.dataset.words;
});

setInterval(refresh, 1000);
