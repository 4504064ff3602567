// Finds the number up to ``largest`` whose SHA-256, behind the salt, is ``digest``: tries them all.
// Says null where there is none.
"use strict";

// So many at a time: to wait for each alone takes several times as long.
const AT_ONCE = 256;
const letters = new TextEncoder();

async function digestOf(words) {
  const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", letters.encode(words)));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function find({ digest, salt, largest }) {
  for (let first = 0; first <= largest; first += AT_ONCE) {
    const length = Math.min(AT_ONCE, largest - first + 1);
    const digests = await Promise.all(Array.from({ length }, (_, n) => digestOf(`${salt}${first + n}`)));
    const place = digests.indexOf(digest);
    if (place >= 0) return first + place;
  }
  return null;
}

// Without https, browsers have no crypto.subtle.
addEventListener("message", (event) =>
  find(event.data).then(postMessage, () => postMessage(null)),
);
