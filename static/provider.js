// Optional: the link to the provider's page works without it.
"use strict";

const provider = document.getElementById("provider");
const byWindow = document.getElementById("in_window");
// The provider's browser client, where it was loaded.
if (provider && byWindow && typeof authsignal === "object") {
  const client = new authsignal.Authsignal({ tenantId: provider.dataset.tenant });
  byWindow.hidden = false;
  byWindow.addEventListener("click", async () => {
    try {
      const { token } = await client.launch(provider.dataset.url, { mode: "window" });
      if (!token) return;
      provider.elements.answer.value = token;
      provider.requestSubmit();
    } catch {
      document.getElementById("no_window").hidden = false;
    }
  });
}
