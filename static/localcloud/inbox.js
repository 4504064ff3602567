// Shows new texts as they arrive, without moving what is being read.
const main = document.querySelector("main");

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

setInterval(refresh, 1000);
