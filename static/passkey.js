// Sign in by passkey. site.js fetches this where the browser has passkeys, and nothing waits for it.
const form = document.getElementById("passkey");
const button = form.querySelector("button");
const news = form.querySelector("[data-none]");
// Milliseconds; the server takes an answer for a minute longer.
const LIVES = 9 * 60 * 1000;

let options = JSON.parse(form.dataset.options);
let drawn = Date.now();
let asking = new AbortController();

async function fresh() {
  if (Date.now() - drawn > LIVES) {
    const reply = await fetch(form.action, { headers: { Accept: "application/json" } });
    options = await reply.json();
    drawn = Date.now();
  }
  return PublicKeyCredential.parseRequestOptionsFromJSON(options);
}

async function ask(mediation) {
  // A browser takes one question at a time.
  asking.abort();
  const { signal } = (asking = new AbortController());
  const publicKey = await fresh();
  const credential = await navigator.credentials.get({ publicKey, mediation, signal });
  form.elements.credential.value = JSON.stringify(credential);
  form.requestSubmit();
}

// In the list that opens below the field, as saved numbers are.
async function offer() {
  try {
    await ask("conditional");
  } catch {
    // Nobody asked for it, so nobody is told.
  }
}

button.addEventListener("click", async () => {
  news.textContent = "";
  try {
    await ask("optional");
  } catch {
    news.textContent = news.dataset.none;
    offer();
  }
});
document.getElementById("id_phone").addEventListener("input", () => asking.abort());

form.hidden = false;
if (await PublicKeyCredential.isConditionalMediationAvailable?.()) {
  offer();
  setInterval(offer, LIVES + 1000);
}
