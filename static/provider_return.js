// Optional: the button does the same.
"use strict";

const returned = document.getElementById("returned");
// The token leaves the address, and the list of pages that were visited.
history.replaceState(null, "", location.pathname);
// Not when the page is seen again, by the button that leads back.
if (performance.getEntriesByType("navigation")[0].type === "navigate") {
  returned.querySelector("[type=submit]").click();
}
