// Django's pair of lists names its search icons, but a span without a role may have no name.
"use strict";
addEventListener("load", () => {
  for (const icon of document.querySelectorAll(".selector .search-label-icon")) {
    icon.setAttribute("role", "img");
  }
});
