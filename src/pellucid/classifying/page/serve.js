// The classifier behind the page is a server: a picture goes to /predict as it is, and its answer comes back.

import { open, put } from "./page.js";

const GONE = "The server does not answer any more. Start it again, and reload this page.";
const FAILED = "The server failed at that question; the terminal it runs in says how.";

/**
 * What an address says; a refusal is an error with its words.
 * @param {string} address
 * @param {RequestInit} [request]
 */
async function told(address, request) {
  let response, reply;
  try {
    response = await fetch(address, request);
  } catch {
    throw new Error(GONE);
  }
  try {
    reply = await response.json();
  } catch {
    throw new Error(FAILED);
  }
  if (!response.ok) {
    throw new Error(reply.error);
  }
  return reply;
}

const here = new URL("predict", location.href).href;
put("how", `curl --data-binary @picture.jpg ${here}\ncurl -F file=@one.jpg -F file=@two.jpg ${here}`);
void open({
  about: () => told("about"),
  answer: (file) => told("predict", { method: "POST", body: file, headers: { "Content-Type": "application/octet-stream" } }),
});
