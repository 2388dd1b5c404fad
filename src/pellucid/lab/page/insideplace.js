// Where a cell of the room Inside is: in an address, in its layer, and in the map that is drawn of it.

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {import("./grid.js").Place} Place */

/**
 * The place of a cell as an address has it.
 * @param {string | undefined} text
 * @returns {number[] | null}
 */
export function indexOf(text) {
  const parts = (text ?? "").split(",");
  return [1, 3].includes(parts.length) && parts.every((part) => /^\d{1,6}$/.test(part)) ? parts.map(Number) : null;
}

/**
 * Where in a map a cell lies: of a flat layer's units a row has `width`.
 * @param {Reply} layer
 * @param {number[]} index
 * @param {number} width
 * @returns {Place}
 */
export const placeIn = (layer, index, width) =>
  layer.flat ? { row: Math.floor(index[0] / width), column: index[0] % width } : { row: index[1], column: index[2] };

/**
 * The index of a place in a map.
 * @param {Reply} layer
 * @param {number} channel
 * @param {Place} at
 * @param {number} width
 */
export function indexAt(layer, channel, { row, column }, width) {
  if (!layer.flat) return [channel, row, column];
  return layer.shape.length === 1 ? [row * width + column] : [row * width + column, 0, 0];
}
