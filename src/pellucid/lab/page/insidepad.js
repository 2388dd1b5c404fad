// A pad to draw a picture on, by mouse, finger, pen or keyboard; every stroke is told at once.

import { element } from "./arithmetic.js";

const SIDE = 224, STEP = 8;

/**
 * Where the pen is after a key; null for a key that does not move it.
 * @param {{x: number, y: number}} at
 * @param {string} key
 */
export function penMoved({ x, y }, key) {
  /** @type {Record<string, [number, number]>} */
  const ways = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };
  const way = ways[key];
  const within = (/** @type {number} */ place) => Math.min(Math.max(place, STEP), SIDE - STEP);
  return way ? { x: within(x + way[0]), y: within(y + way[1]) } : null;
}

/**
 * @param {HTMLElement} host
 * @param {(drawing: HTMLCanvasElement) => void} drawn is called with every stroke
 */
export function makePad(host, drawn) {
  const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { class: "pad", tabindex: "0", role: "application", width: String(SIDE), height: String(SIDE),
    "aria-label": "Drawing. Draw with the mouse or a finger; or arrow keys move the pen, Space sets it down and lifts it." }));
  const clear = element("button", { type: "button" }, "Wipe");
  const told = element("p", { class: "quiet", role: "status" });
  const surface = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  let at = { x: SIDE / 2, y: SIDE / 2 }, down = false, grey = true;
  host.replaceChildren(canvas, element("div", { class: "buttons" }, clear), told);

  /** Digits are white on black, as the shipped ones; anything else is black on white. */
  function blank() {
    surface.fillStyle = grey ? "#000" : "#fff";
    surface.fillRect(0, 0, SIDE, SIDE);
  }

  /** @param {{x: number, y: number}} to */
  function stroke(to) {
    surface.strokeStyle = grey ? "#fff" : "#000";
    surface.lineWidth = grey ? 18 : 8;
    surface.lineCap = surface.lineJoin = "round";
    surface.beginPath();
    surface.moveTo(at.x, at.y);
    surface.lineTo(to.x, to.y);
    surface.stroke();
    at = to;
    drawn(canvas);
  }

  /** @param {PointerEvent} event */
  function placeOf(event) {
    const box = canvas.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * SIDE, y: ((event.clientY - box.top) / box.height) * SIDE };
  }

  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    at = placeOf(event);
    stroke({ x: at.x + 0.1, y: at.y });
  });
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) stroke(placeOf(event)); });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = penMoved(at, event.key);
    if (event.key === " ") down = !down;
    else if (!to) return;
    event.preventDefault();
    if (down) stroke(to ?? { x: at.x + 0.1, y: at.y });
    else if (to) at = to;
    told.textContent = `The pen is ${down ? "down" : "up"}, ${Math.round(at.x / STEP)} from the left and ${Math.round(at.y / STEP)} from the top, of ${SIDE / STEP}.`;
  });
  clear.addEventListener("click", () => { blank(); drawn(canvas); });

  return {
    /** Begin on fresh paper. @param {boolean} forGrey */
    open: (forGrey) => {
      grey = forGrey;
      down = false;
      blank();
      canvas.focus();
    },
  };
}
