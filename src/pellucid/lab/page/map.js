// A large map on a canvas: as many cells as a person's picture has pixels. The chosen cell is told in words.

import { colour } from "./palette.js";
import { moved } from "./grid.js";

/** @typedef {import("./grid.js").Place} Place */

/**
 * @typedef {object} Look
 * @property {(number | null)[][][]} channels of a picture (1 or 3, 0 to 255), or one map; null is not yet worked out
 * @property {boolean} isPicture
 * @property {number} scale
 * @property {import("./grid.js").Box=} box
 * @property {Place=} chosen
 * @property {Place[]=} marked
 */

const SIDE = 224;
/** @type {[number, number, number]} */
const EMPTY = [128, 128, 128];

/**
 * How many pixels of the screen a cell has.
 * @param {number} rows
 * @param {number} columns
 */
export const cellSide = (rows, columns) => Math.max(Math.floor(SIDE / Math.max(rows, columns)), 1);

/**
 * The colour of a cell: the pixel's own, the palette's, or none where it is not yet worked out.
 * @param {Look} look
 * @param {number} row
 * @param {number} column
 * @returns {[number, number, number]}
 */
export function rgbOf({ channels, isPicture, scale }, row, column) {
  const seen = channels.map((channel) => channel[row][column]);
  if (seen[0] === null) return EMPTY;
  return isPicture ? [seen[0], seen[1] ?? seen[0], seen[2] ?? seen[0]] : colour(seen[0], scale);
}

/**
 * @param {HTMLElement} host
 * @param {{label: string, choose: (at: Place) => void}} options
 * @returns {(look: Look) => void} draws
 */
export function makeMap(host, { label, choose }) {
  const canvas = document.createElement("canvas");
  const surface = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  canvas.className = "map";
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "application");
  const plain = document.createElement("canvas");
  const plainSurface = /** @type {CanvasRenderingContext2D} */ (plain.getContext("2d"));
  /** @type {unknown[]} */
  let painted = [];
  let at = { row: 0, column: 0 };
  let rows = 0, columns = 0;

  canvas.addEventListener("click", (event) => {
    const box = canvas.getBoundingClientRect();
    at = { row: Math.floor(((event.clientY - box.top) / box.height) * rows),
      column: Math.floor(((event.clientX - box.left) / box.width) * columns) };
    choose(at);
  });
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const to = moved(at, event.key, rows, columns);
    if (!to) return;
    event.preventDefault();
    at = to;
    choose(at);
  });

  return (look) => {
    if (canvas.parentNode !== host) host.replaceChildren(canvas);
    rows = look.channels[0].length;
    columns = look.channels[0][0].length;
    if (look.chosen) at = { ...look.chosen };
    const side = cellSide(rows, columns);
    canvas.width = columns * side;
    canvas.height = rows * side;
    canvas.setAttribute("aria-label", `${label}, ${rows} rows and ${columns} columns. Arrow keys choose a cell.`);
    paint(look);
    surface.imageSmoothingEnabled = false;
    surface.drawImage(plain, 0, 0, canvas.width, canvas.height);
    for (const one of look.marked ?? []) outline(side, { top: one.row, left: one.column, rows: 1, columns: 1 });
    if (look.box) outline(side, look.box);
    if (look.chosen) outline(side, { top: look.chosen.row, left: look.chosen.column, rows: 1, columns: 1 });
  };

  /**
   * The cells without what is chosen, a pixel each; anew only where they are others than before.
   * @param {Look} look
   */
  function paint(look) {
    const now = [...look.channels, look.scale, look.isPicture];
    if (now.length === painted.length && now.every((one, index) => one === painted[index])) return;
    painted = now;
    plain.width = columns;
    plain.height = rows;
    const image = plainSurface.createImageData(columns, rows);
    for (let row = 0, at = 0; row < rows; row++) for (let column = 0; column < columns; column++, at += 4) {
      const [red, green, blue] = rgbOf(look, row, column);
      image.data.set([red, green, blue, 255], at);
    }
    plainSurface.putImageData(image, 0, 0);
  }

  /**
   * Black within white, which is seen on any colour.
   * @param {number} side
   * @param {import("./grid.js").Box} box
   */
  function outline(side, box) {
    for (const [width, style] of /** @type {[number, string][]} */ ([[4, "#fff"], [2, "#000"]])) {
      surface.lineWidth = width;
      surface.strokeStyle = style;
      surface.strokeRect(box.left * side, box.top * side, box.columns * side, box.rows * side);
    }
  }
}
