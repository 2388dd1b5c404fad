// The one palette: blue below zero, white at zero, orange above; and black or white ink to read on it.

/** @typedef {[number, number, number]} Colour red, green, blue from 0 to 255 */

/** @type {Colour} */ const BLUE = [33, 102, 172];
/** @type {Colour} */ const WHITE = [255, 255, 255];
/** @type {Colour} */ const ORANGE = [230, 97, 1];

/**
 * @param {number} value
 * @param {number} scale the number at which the colour is full; the same below zero and above
 * @returns {Colour}
 */
export function colour(value, scale) {
  const end = value < 0 ? BLUE : ORANGE;
  const part = scale > 0 ? Math.min(Math.abs(value) / scale, 1) : 0;
  return /** @type {Colour} */ (WHITE.map((from, index) => Math.round(from + (end[index] - from) * part)));
}

/** @param {Colour} rgb */
export const css = (rgb) => `rgb(${rgb.join(" ")})`;

/**
 * Relative luminance, WCAG 2.2.
 * @param {Colour} rgb
 */
export function luminance(rgb) {
  const [red, green, blue] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/**
 * Contrast of two colours, 1 to 21, WCAG 2.2.
 * @param {Colour} one
 * @param {Colour} other
 */
export function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * The ink that reads better on this colour: its contrast is at least 4.58, whatever the colour.
 * @param {Colour} rgb
 * @returns {Colour}
 */
export function ink(rgb) {
  return contrast(rgb, [0, 0, 0]) >= contrast(rgb, WHITE) ? [0, 0, 0] : WHITE;
}

/**
 * The scale of a map: its number furthest from zero.
 * @param {number[][][]} maps
 */
export function scaleOf(...maps) {
  let scale = 0;
  for (const map of maps) for (const row of map) for (const value of row) scale = Math.max(scale, Math.abs(value));
  return scale;
}
