// One map of the room Inside, large: every cell coloured, and its number in it as soon as there is room.

import { element } from "./arithmetic.js";
import { moved } from "./grid.js";
import { outline } from "./insidelayers.js";
import { short } from "./numbers.js";
import { colour, css, ink } from "./palette.js";

/** @typedef {import("./grid.js").Place} Place */
/** @typedef {{values: Float32Array, height: number, width: number, scale: number}} Numbers */

/** @type {WeakMap<object, any>} */
const converted = new WeakMap();
/**
 * A map with its numbers, made once of its bytes.
 * @param {import("./ask.js").Reply} reply
 */
export function mapOf(reply) {
  if (!converted.has(reply)) converted.set(reply, { ...reply, values: new Float32Array(reply.values) });
  return converted.get(reply);
}

/** Cells of this many pixels have their number in them. */
export const READABLE = 12;
const SIDE = 392, LARGEST_CELL = 56, LETTER = 0.61;
/** Maps with at most this many cells also come as a table. */
const TABLED = 256;

/**
 * How many pixels of the screen a cell has.
 * @param {number} height
 * @param {number} width
 * @param {number} side
 */
export const cellPixels = (height, width, side = SIDE) => Math.max(Math.min(Math.floor(side / Math.max(height, width)), LARGEST_CELL), 1);

/**
 * A number in as many letters as there is room for, at most four digits that count; empty where there is none.
 * @param {number} value
 * @param {number} letters
 */
export function fitted(value, letters) {
  if (Number.isNaN(value)) return "";
  const bare = (/** @type {string} */ text) => text.replace(/^(-?)0\./, "$1.");
  for (let digits = 4; digits > 0; digits--) {
    const text = value === 0 ? "0" : String(Number(value.toPrecision(digits)));
    for (const one of [text, bare(text)]) if (one.length <= letters && !one.includes("e")) return one;
  }
  const whole = bare(String(Number(value.toFixed(1))));
  if (whole.length <= letters) return whole === "-0" ? "0" : whole;
  return Math.abs(value) < 0.05 && letters >= 1 ? "0" : "";
}

/**
 * The cell with the number furthest from zero.
 * @param {Numbers} map
 * @returns {Place}
 */
export function strongest({ values, width }) {
  let best = 0;
  for (let at = 1; at < values.length; at++) if (Math.abs(values[at]) > Math.abs(values[best]) || Number.isNaN(values[best])) best = at;
  return { row: Math.floor(best / width), column: best % width };
}

/**
 * The number of a map that is furthest from zero; of several maps, so that their colours mean the same.
 * @param {({least: number | null, largest: number | null} | undefined)[]} maps
 */
export const ownScale = (...maps) => Math.max(0, ...maps.flatMap((one) => [Math.abs(one?.least ?? 0), Math.abs(one?.largest ?? 0)]));

/**
 * @param {HTMLElement} host
 * @param {{label: string, where: (at: Place) => string, choose: (at: Place) => void, channel?: (step: number) => void, leave?: () => void, enter?: () => void}} options
 */
export function makeNumbers(host, { label, where, choose, channel, leave, enter }) {
  const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { class: "map", tabindex: "0", role: "application" }));
  const told = element("p", { class: "quiet number readout" });
  const table = element("div");
  const surface = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const plain = document.createElement("canvas");
  /** @type {Numbers | null} */
  let map = null;
  let at = { row: 0, column: 0 }, side = 1;
  host.replaceChildren(canvas, told, table);

  /** @param {MouseEvent} event */
  function placeOf(event) {
    const box = canvas.getBoundingClientRect();
    const within = (/** @type {number} */ value, /** @type {number} */ most) => Math.min(Math.max(Math.floor(value), 0), most - 1);
    return { row: within(((event.clientY - box.top) / box.height) * (map?.height ?? 1), map?.height ?? 1),
      column: within(((event.clientX - box.left) / box.width) * (map?.width ?? 1), map?.width ?? 1) };
  }
  canvas.addEventListener("click", (event) => { if (map && isThere(placeOf(event))) choose(placeOf(event)); });
  canvas.addEventListener("pointermove", (event) => { if (map) say(placeOf(event)); });
  canvas.addEventListener("pointerleave", () => say(at));
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !map) return;
    const step = { PageUp: -1, PageDown: 1, "+": 1, "-": -1 }[event.key];
    const to = moved(at, event.key, map.height, map.width);
    if (event.key === "Escape") leave?.();
    else if (event.key === "Enter") enter?.();
    else if (step !== undefined) channel?.(step);
    else if (to) { if (isThere(to)) choose(to); } else return;
    event.preventDefault();
  });

  /** @param {Place} place */
  const numberAt = ({ row, column }) => map ? map.values[row * map.width + column] : NaN;
  /** @param {Place} place */
  const isThere = (place) => !Number.isNaN(numberAt(place));

  /** @param {Place} place */
  function say(place) {
    told.textContent = map && isThere(place) ? `${where(place)}: ${Number(numberAt(place).toPrecision(9))}` : "\u00a0";
  }

  /**
   * @param {Numbers} now
   * @param {Place} chosen
   */
  return (now, chosen) => {
    const isNew = map?.values !== now.values || map.scale !== now.scale;
    map = now;
    at = chosen;
    side = cellPixels(now.height, now.width);
    const sharp = Math.max(Math.round(devicePixelRatio), 1);
    if (isNew) {
      canvas.width = now.width * side * sharp;
      canvas.height = now.height * side * sharp;
      canvas.style.width = `${now.width * side}px`;
      paint(plain, now, side, sharp);
      table.replaceChildren(...(now.values.length <= TABLED ? [asTable(now, label)] : []));
    }
    canvas.setAttribute("aria-label", `${label}, ${now.height} rows and ${now.width} columns; ${where(at)}: ${short(numberAt(at))}. `
      + "Arrow keys choose a cell, Page Up and Page Down the channel, Escape goes back to the layers.");
    surface.setTransform(1, 0, 0, 1, 0, 0);
    surface.drawImage(plain, 0, 0);
    surface.scale(sharp, sharp);
    const grown = Math.max(7 - side, 0) / 2;
    outline(surface, at.column * side - grown, at.row * side - grown, side + 2 * grown, side + 2 * grown);
    say(at);
  };
}

/**
 * All cells with their numbers.
 * @param {HTMLCanvasElement} canvas
 * @param {Numbers} map
 * @param {number} side
 * @param {number} sharp
 */
function paint(canvas, { values, height, width, scale }, side, sharp) {
  canvas.width = width * side * sharp;
  canvas.height = height * side * sharp;
  const surface = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const small = document.createElement("canvas");
  small.width = width;
  small.height = height;
  const image = new ImageData(width, height);
  values.forEach((value, at) => image.data.set(Number.isNaN(value) ? [128, 128, 128, 0] : [...colour(value, scale), 255], at * 4));
  /** @type {CanvasRenderingContext2D} */ (small.getContext("2d")).putImageData(image, 0, 0);
  surface.imageSmoothingEnabled = false;
  surface.drawImage(small, 0, 0, canvas.width, canvas.height);
  if (side < READABLE) return;
  const size = Math.min(Math.max(Math.floor(side / 3), 7), 13);
  const letters = Math.floor((side - 1) / (size * LETTER));
  surface.scale(sharp, sharp);
  surface.font = `${size}px ui-monospace, monospace`;
  surface.textAlign = "center";
  surface.textBaseline = "middle";
  values.forEach((value, at) => {
    if (Number.isNaN(value)) return;
    surface.fillStyle = css(ink(colour(value, scale)));
    surface.fillText(fitted(value, letters), ((at % width) + 0.5) * side, (Math.floor(at / width) + 0.5) * side + 0.5);
  });
}

/**
 * The same numbers as a table, for whoever cannot see a canvas.
 * @param {Numbers} map
 * @param {string} label
 */
function asTable({ values, height, width }, label) {
  const rows = Array.from({ length: height }, (_, row) => element("tr", {}, ...Array.from({ length: width }, (_cell, column) => {
    const value = values[row * width + column];
    return element("td", { class: "number", "data-value": String(value) }, Number.isNaN(value) ? "" : short(value));
  })));
  return element("details", {}, element("summary", {}, "As a table"),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${label}, as a table` }, element("table", {}, element("tbody", {}, ...rows))));
}
