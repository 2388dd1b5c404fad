// How numbers are written: four significant digits in sight, all digits on request.

/**
 * Four significant digits, and none that say nothing: -0.5556, 0.5, 12.35, 1,234, 1.2e-7.
 * @param {number} value
 */
export function short(value) {
  if (value === 0) return "0";
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e9) return value.toExponential(3).replace(/\.?0+e/, "e").replace("e+", "e");
  const rounded = Number(value.toPrecision(4));
  return Math.abs(rounded) >= 1000 ? rounded.toLocaleString("en") : String(rounded);
}

/**
 * Two decimals, where there is no room for more.
 * @param {number} value
 */
export function shorter(value) {
  const size = Math.abs(value);
  return size < 10 ? String(Number(value.toFixed(2)) + 0) : size < 1e5 ? String(Math.round(value)) : value.toExponential(0);
}

/**
 * A number that follows a sign: a negative one in brackets.
 * @param {number} value
 */
export const bracketed = (value) => (value < 0 ? `(${short(value)})` : short(value));

/**
 * Numbers as a sum: -1 + 1 - 1.
 * @param {number[]} values
 */
export function summed(values) {
  return values
    .map((value, index) => {
      const size = short(Math.abs(value));
      if (index === 0) return value < 0 ? `-${size}` : size;
      return value < 0 ? `- ${size}` : `+ ${size}`;
    })
    .join(" ");
}

/**
 * The terms as they are worked out: 1*(-1) + (-1)*1.
 * @param {import("./ask.js").Reply[]} terms
 */
export const multiplied = (terms) =>
  terms.map(({ input, weight }) => `${bracketed(input)}*${bracketed(weight)}`).join(" + ");
