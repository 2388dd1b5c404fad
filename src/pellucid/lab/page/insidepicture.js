// The picture of the room Inside, as the network sees it, with the part that the chosen cell comes from framed.

import { element } from "./arithmetic.js";
import { blackInWhite, outline } from "./insidelayers.js";

/** @typedef {import("./ask.js").Reply} Reply */

const SIDE = 224, ARM = 7;

/**
 * How large a picture is drawn: small ones in whole pixels, large ones as they fit.
 * @param {number} height
 * @param {number} width
 */
export function drawnSize(height, width) {
  const part = SIDE / Math.max(height, width);
  const scale = part >= 1 ? Math.floor(part) : part;
  return { height: Math.max(Math.round(height * scale), 1), width: Math.max(Math.round(width * scale), 1), scale };
}

/**
 * The cell of a map that lies where a pixel of the picture does.
 * @param {{row: number, column: number}} pixel
 * @param {{height: number, width: number}} picture
 * @param {{height: number, width: number}} map
 */
export const cellUnder = (pixel, picture, map) => ({
  row: Math.min(Math.floor((pixel.row * map.height) / picture.height), map.height - 1),
  column: Math.min(Math.floor((pixel.column * map.width) / picture.width), map.width - 1),
});

/**
 * @param {CanvasRenderingContext2D} surface
 * @param {number} x
 * @param {number} y
 */
function cross(surface, x, y) {
  const lines = new Path2D(`M${x - ARM} ${y}h${2 * ARM}M${x} ${y - ARM}v${2 * ARM}`);
  blackInWhite(surface, () => surface.stroke(lines));
}

/**
 * @param {HTMLElement} host
 * @param {{choose: (pixel: {row: number, column: number}, size: {height: number, width: number}) => void}} options
 */
export function makePicture(host, { choose }) {
  const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { class: "picture", role: "img" }));
  const surface = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const size = element("p", { class: "quiet" });
  let seen = { height: 1, width: 1 };
  host.replaceChildren(canvas, size);
  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    choose({ row: Math.floor(((event.clientY - box.top) / box.height) * seen.height),
      column: Math.floor(((event.clientX - box.left) / box.width) * seen.width) }, seen);
  });

  /**
   * @param {Reply} look
   * @param {ImageBitmap} view
   * @param {Reply | null} pixels what is framed
   * @param {{bitmap: ImageBitmap, part: number} | null} over what lies over it, and how thick
   * @param {{row: number, column: number} | null} spot a pixel that is marked
   */
  return (look, view, pixels, over = null, spot = null) => {
    seen = { height: look.height, width: look.width };
    const { height, width, scale } = drawnSize(look.height, look.width);
    const sharp = Math.max(Math.round(devicePixelRatio), 1);
    canvas.width = width * sharp;
    canvas.height = height * sharp;
    canvas.style.width = `${width}px`;
    surface.imageSmoothingEnabled = scale < 1;
    surface.drawImage(view, 0, 0, canvas.width, canvas.height);
    if (over) {
      surface.globalAlpha = over.part;
      surface.imageSmoothingEnabled = true;
      surface.drawImage(over.bitmap, 0, 0, canvas.width, canvas.height);
      surface.globalAlpha = 1;
    }
    surface.scale(sharp, sharp);
    if (pixels) outline(surface, pixels.left * scale, pixels.top * scale, (pixels.right - pixels.left + 1) * scale, (pixels.bottom - pixels.top + 1) * scale);
    if (spot) cross(surface, (spot.column + 0.5) * scale, (spot.row + 0.5) * scale);
    size.textContent = `As the network sees it: ${look.height}x${look.width}x${look.channels}`;
    canvas.setAttribute("aria-label", pixels ? `The picture; framed are rows ${pixels.top} to ${pixels.bottom}, columns ${pixels.left} to ${pixels.right}` : "The picture");
  };
}
