// How a person gives the room Inside a picture: a file, chosen or dropped; a drawing, live; or the camera.

import { element } from "./arithmetic.js";
import { makePad } from "./insidepad.js";
import { listenForFiles, refusal } from "./upload.js";

/** What a drawing is called on a list. */
export const DRAWING = "your drawing";

/**
 * A canvas as a file that loses nothing.
 * @param {HTMLCanvasElement} canvas
 * @returns {Promise<Blob>}
 */
const asPng = (canvas) => new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("The picture cannot be read."))), "image/png"));

/**
 * Why there is no camera, in words.
 * @param {unknown} error
 */
export function cameraTold(error) {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError") return "The browser does not let this page use the camera. Allow it in the browser's settings for this page, or choose a file.";
  if (name === "NotFoundError") return "No camera is connected. Choose a file instead.";
  return "The camera cannot be used here. Choose a file instead.";
}

/**
 * @param {HTMLElement} host
 * @param {{largest: number, sees: () => number, give: (file: Blob, name: string) => void}} options
 *   sees: how many channels the network sees
 */
export function makeGive(host, { largest, sees, give }) {
  const button = (/** @type {string} */ text) => /** @type {HTMLButtonElement} */ (element("button", { type: "button", "aria-expanded": "false" }, text));
  const input = /** @type {HTMLInputElement} */ (element("input", { type: "file", accept: "image/*" }));
  const told = element("p", { class: "quiet", role: "status" }, "It stays on this machine.");
  const draw = button("Draw"), camera = button("Camera"), padPlace = element("div"), cameraPlace = element("div");
  const drop = element("div", { class: "drop" }, element("label", {}, "Your own picture ", element("small", {}, "(choose it, or drop it here)"), input),
    element("div", { class: "buttons" }, draw, camera), padPlace, cameraPlace, told);
  /** @type {MediaStream | null} */
  let stream = null;
  let asked = 0;
  padPlace.hidden = cameraPlace.hidden = true;
  host.replaceChildren(drop);

  /** @param {string} text @param {boolean} wrong */
  function say(text, wrong = false) {
    told.textContent = text;
    told.className = wrong ? "wrong" : "quiet";
  }

  /** @param {File} file */
  function take(file) {
    const why = refusal(file.size, largest);
    say(why || `${file.name}. It stays on this machine.`, Boolean(why));
    if (!why) give(file, file.name);
  }

  const pad = makePad(padPlace, (canvas) => { asPng(canvas).then((file) => give(file, DRAWING), (error) => say(String(error.message), true)); });

  function halt() {
    asked += 1;
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    cameraPlace.hidden = true;
    cameraPlace.replaceChildren();
    camera.setAttribute("aria-expanded", "false");
  }

  async function film() {
    const mine = ++asked;
    let given;
    say("Asking for the camera ...");
    try {
      if (!navigator.mediaDevices?.getUserMedia) throw new Error();
      given = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (error) {
      if (mine === asked) say(cameraTold(error), true);
      return;
    }
    if (mine !== asked) {  // asked for once more, or left, before it was allowed: nobody would see that it is on
      given.getTracks().forEach((track) => track.stop());
      return;
    }
    stream = given;
    const video = /** @type {HTMLVideoElement} */ (element("video", { "aria-label": "What the camera sees", playsinline: "" }));
    const shoot = element("button", { type: "button" }, "Take the picture");
    video.muted = true;
    video.srcObject = stream;
    shoot.addEventListener("click", async () => {
      const canvas = document.createElement("canvas");
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      if (!canvas.width) return;
      canvas.getContext("2d")?.drawImage(video, 0, 0);
      give(await asPng(canvas), "from the camera");
      halt();
      camera.focus();
    });
    cameraPlace.replaceChildren(video, element("div", { class: "buttons" }, shoot));
    cameraPlace.hidden = false;
    camera.setAttribute("aria-expanded", "true");
    say("It stays on this machine.");
    await video.play().catch(() => {});
    shoot.focus();
  }

  listenForFiles(input, drop, take);
  draw.addEventListener("click", () => {
    padPlace.hidden = !padPlace.hidden;
    draw.setAttribute("aria-expanded", String(!padPlace.hidden));
    if (!padPlace.hidden) pad.open(sees() === 1);
  });
  camera.addEventListener("click", () => { if (stream) { halt(); say("It stays on this machine."); } else film(); });

  return { halt, say };
}
