// The stages of the room Filters, drawn: picture, filter, feature map, ReLU, pooling, and the comparison by rote.

import { element } from "./arithmetic.js";
import { makeGrid } from "./grid.js";
import { makeMap } from "./map.js";
import { short, shorter } from "./numbers.js";
import { colour, css, scaleOf } from "./palette.js";

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {import("./grid.js").Place} Place */

/** More cells a side than this are drawn on a canvas. */
export const LARGEST_GRID = 11;

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/**
 * The map as far as the filter has come; what it has not reached is null.
 * @param {number[][]} map
 * @param {number} done cells, row by row
 * @returns {(number | null)[][]}
 */
export const filled = (map, done) =>
  done >= map.length * map[0].length ? map : map.map((row, at) => row.map((value, column) => (at * row.length + column < done ? value : null)));

/**
 * The pooled map as far as every cell under its windows is filled.
 * @param {number[][]} pooled
 * @param {(number | null)[][]} below
 * @param {number} window
 * @param {number} step
 */
export const filledPool = (pooled, below, window, step) =>
  below.every((row) => !row.includes(null)) ? pooled : pooled.map((row, at) => row.map((value, column) => {
    for (let down = 0; down < window; down++) for (let right = 0; right < window; right++) {
      if (below[at * step + down][column * step + right] === null) return null;
    }
    return value;
  }));

/**
 * The part of the picture under the filter, or of the map under the pooling window.
 * @param {Place} at
 * @param {number} size
 * @param {number} step
 * @param {number[][]} pads
 */
export const boxOf = ({ row, column }, size, step, pads = [[0, 0], [0, 0]]) =>
  ({ top: row * step - pads[0][0], left: column * step - pads[1][0], rows: size, columns: size });

/**
 * A stage that is a grid while it is small and a canvas when it is large.
 * @param {string} id
 * @param {{label: string, choose?: (at: Place) => void, act?: (at: Place, key: string) => void}} options
 */
function makeStage(id, { label, choose, act }) {
  const host = byId(id), small = element("div"), large = element("div");
  host.append(small, large);
  const grid = makeGrid(small, { label, choose, act });
  const map = makeMap(large, { label, choose: (at) => choose?.(at) });
  /** @param {Reply} look */
  return (look) => {
    const rows = look.channels[0].length, columns = look.channels[0][0]?.length ?? 0;
    const isLarge = Math.max(rows, columns) > LARGEST_GRID || look.channels.length > 1;
    small.hidden = isLarge;
    large.hidden = !isLarge;
    if (isLarge) {
      map(/** @type {any} */ (look));
      return;
    }
    const isTight = columns > 5;
    const isWide = look.channels[0].flat().some((/** @type {number | null} */ value) => value !== null && short(value).length > 3);
    const width = isWide ? (isTight ? 44 : 60) : isTight ? 32 : 40;
    grid(/** @type {any} */ ({ ...look, values: look.channels[0], width, format: isWide && isTight ? shorter : short }));
  };
}

/**
 * @param {{turn: (at: Place, key: string) => void, weigh: (channel: number, at: Place, key: string) => void,
 *   choose: (stage: "map" | "pool", at: Place) => void, look: (at: Place) => void}} acts
 */
export function makeStages({ turn, weigh, choose, look }) {
  const picture = makeStage("picture", { label: "Picture", act: turn, choose: look });
  const map = makeStage("map", { label: "Feature map", choose: (at) => choose("map", at) });
  const relu = makeStage("relu", { label: "After ReLU", choose: (at) => choose("map", at) });
  const pooled = makeStage("pooled", { label: "After pooling", choose: (at) => choose("pool", at) });
  const kernels = ["", "red", "green", "blue"].map((name, index) => {
    const host = element("div"), caption = element("figcaption", {}, name);
    const figure = element("figure", {}, host, caption);
    caption.hidden = !name;
    byId("kernel").append(figure);
    const label = name ? `Filter, ${name} slice` : "Filter";
    return { figure, draw: makeGrid(host, { label, act: (at, key) => weigh(Math.max(index - 1, 0), at, key) }) };
  });

  /**
   * @param {Reply} given what is chosen
   * @param {Reply} reply the answer to filters.map
   */
  return function draw(given, reply) {
    const { size, stride, window, poolstep, at, done } = given;
    const isOwn = given.own !== null;
    const channels = given.picture;
    const below = filled(reply.relu, done);
    const scale = scaleOf(reply.map) || 1;
    const onMap = at.stage === "map";
    const patch = onMap ? boxOf(at, size, stride, reply.pads) : undefined;
    const pads = reply.pads;
    picture({ channels, isPicture: isOwn, scale: isOwn ? 255 : scaleOf(...channels), pads, box: patch,
      marked: [], note: () => "" });
    kernels.forEach(({ figure, draw: drawKernel }, index) => {
      const channel = index - 1;
      const isShown = channels.length === 1 ? index === 0 : index > 0;
      figure.hidden = !isShown;
      if (!isShown) return;
      const values = given.kernel[Math.max(channel, 0)];
      drawKernel({ values, scale: scaleOf(...given.kernel) || 1, format: short, width: size > 3 ? 32 : 40 });
    });
    const wrong = new Map(reply.errata.map((/** @type {Reply} */ one) => [`${one.row},${one.column}`, one.text]));
    const inMap = onMap ? undefined : boxOf(at, window, poolstep);
    const chosen = onMap ? { row: at.row, column: at.column } : undefined;
    map({ channels: [filled(reply.map, done)], scale, chosen, isPicture: false,
      note: (/** @type {number} */ row, /** @type {number} */ column) => wrong.get(`${row},${column}`) ?? "" });
    relu({ channels: [below], scale, chosen, box: inMap, isPicture: false, marked: given.winners });
    const hasPool = reply.pool.map.length > 0;
    byId("pooled").hidden = !hasPool;
    byId("pool-told").textContent = hasPool ? `Rows: ${reply.pool.size[0]}\nColumns: ${reply.pool.size[1]}` : reply.pool.misfit;
    byId("pool-size").textContent = hasPool ? sizeOf(reply.pool.map) : "";
    if (hasPool) {
      pooled({ channels: [filledPool(reply.pool.map, below, window, poolstep)], scale, isPicture: false,
        chosen: onMap ? undefined : { row: at.row, column: at.column } });
    }
    byId("picture-size").textContent = sizeOf(channels[0]) + (channels.length > 1 ? "x3" : "");
    byId("filter-size").textContent = sizeOf(given.kernel[0]) + (channels.length > 1 ? "x3" : "");
    byId("map-size").textContent = sizeOf(reply.map);
    byId("map-told").textContent = `Rows: ${reply.size[0]}\nColumns: ${reply.size[1]}`;
    byId("errata").replaceChildren(...reply.errata.map((/** @type {Reply} */ one) =>
      element("li", { class: "erratum" }, `Row ${one.row + 1}, column ${one.column + 1}: ${one.text}`)));
    byId("legend").replaceChildren(...legend(scale));
    drawRote(reply, given);
  };
}

/** @param {number[][]} map */
const sizeOf = (map) => `${map.length}x${map[0].length}`;

/** @param {number} scale */
function legend(scale) {
  return [-1, -0.5, 0, 0.5, 1].map((part) => {
    const box = element("i");
    box.style.background = css(colour(part * scale, scale));
    return element("span", {}, box, shorter(part * scale));
  });
}

/**
 * @param {Reply} reply
 * @param {Reply} given
 */
function drawRote({ compared, map }, given) {
  byId("rote").hidden = compared === null;
  if (compared === null) return;
  const right = compared.cells - compared.differing.length;
  byId("rote-answer").replaceChildren(
    element("strong", {}, compared.is_nine ? "It says: a nine." : "It says: no nine."),
    ` ${right} of ${compared.cells} cells are as they must be.`);
  const best = Math.max(...map.flat());
  const isFull = given.filter === "loopy" && given.size === 3 && given.take === "mean";
  const text = !isFull ? "" : best === 1
    ? "The loopy filter still finds the loop whole: a cell of its feature map is 1."
    : `The loopy filter's best cell is ${short(best)}: no loop is whole.`;
  byId("rote-filter").textContent = compared.is_nine && isFull ? "Now shift it, or give it another tail." : text;
}
