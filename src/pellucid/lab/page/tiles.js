// Pictures that came on one sheet, cut up again: each on a canvas of its own, pixel by pixel.

import { element } from "./arithmetic.js";

/** @typedef {{columns: number, height: number, width: number, sizes: [number, number][]}} Sheet */

/**
 * Where on the sheet a picture stands.
 * @param {Sheet} sheet
 * @param {number} place
 */
export function cutOf({ columns, height, width, sizes }, place) {
  const [tall, broad] = sizes[place];
  return { top: Math.floor(place / columns) * height, left: (place % columns) * width, height: tall, width: broad };
}

/**
 * The size at which a picture is shown: small ones in whole multiples of their pixels, so that these are seen.
 * @param {number} height
 * @param {number} width
 * @param {number} side the longer side, at most
 */
export function shownSize(height, width, side) {
  const part = side / Math.max(height, width);
  const scale = part >= 2 ? Math.floor(part) : Math.min(part, 1.5);
  return { height: Math.max(Math.round(height * scale), 1), width: Math.max(Math.round(width * scale), 1), scale };
}

/** @param {ArrayBuffer} png */
export const bitmapOf = (png) => createImageBitmap(new Blob([png], { type: "image/png" }));

/**
 * A canvas with one picture of the sheet; it is told by what stands beside it.
 * @param {ImageBitmap} bitmap
 * @param {Sheet} sheet
 * @param {number} place
 * @param {number} side
 */
export function tileCanvas(bitmap, sheet, place, side) {
  const cut = cutOf(sheet, place);
  const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { "aria-hidden": "true" }));
  const size = shownSize(cut.height, cut.width, side);
  canvas.width = cut.width;
  canvas.height = cut.height;
  canvas.style.width = `${size.width}px`;
  canvas.style.imageRendering = size.scale >= 2 ? "pixelated" : "auto";
  /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(
    bitmap, cut.left, cut.top, cut.width, cut.height, 0, 0, cut.width, cut.height);
  return canvas;
}
