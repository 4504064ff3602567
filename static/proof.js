// The page of a proof of work: a worker finds the number, and the form sends it by itself.
"use strict";

const work = document.getElementById("work");
const form = work.closest("form");
const button = form.querySelector("[type=submit]");
const worker = "Worker" in window && new Worker(work.dataset.worker);

// Browsers before 2024 do not know by their styles that scripts run.
document.querySelector(".unscripted").hidden = true;

function say(state) {
  work.textContent = work.dataset[state];
  // A region that is aria-busy is not read out.
  work.classList.toggle("busy", state === "doing");
}

function found(number) {
  worker.terminate();
  form.elements.answer.value = number;
  button.hidden = false;
  say("done");
  // After an error the person decides, so that no page sends itself again and again.
  if (work.dataset.goes) button.click();
}

function failed() {
  worker.terminate();
  say("failed");
}

if (worker) {
  worker.addEventListener("message", (event) =>
    event.data === null ? failed() : found(event.data),
  );
  worker.addEventListener("error", failed);
  say("doing");
  worker.postMessage({
    digest: work.dataset.digest,
    salt: work.dataset.salt,
    largest: Number(work.dataset.largest),
  });
} else {
  say("failed");
}
