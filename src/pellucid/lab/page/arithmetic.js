// The arithmetic of one cell, as Python worked it out, laid out to be read: patch, filter, products, sum.

import { makeGrid } from "./grid.js";
import { multiplied, short, shorter, summed } from "./numbers.js";
import { scaleOf } from "./palette.js";

/** @typedef {import("./ask.js").Reply} Reply */

const WRITTEN_OUT = 9;
const LARGEST = 5;
const CHANNELS = ["red", "green", "blue"];

/**
 * An element with text or other elements in it.
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/**
 * The terms of one channel as three square grids.
 * @param {Reply[]} terms
 * @param {"input" | "weight" | "product"} field
 */
export function squareOf(terms, field) {
  const side = Math.round(Math.sqrt(terms.length));
  return Array.from({ length: side }, (_, row) =>
    terms.slice(row * side, (row + 1) * side).map((term) => /** @type {number} */ (term[field])));
}

/**
 * The terms that weigh most, and what the others come to.
 * @param {Reply[]} terms
 * @param {number} count
 */
export function weightiest(terms, count) {
  const sorted = [...terms].sort((one, other) => Math.abs(other.product) - Math.abs(one.product));
  const rest = sorted.slice(count);
  return { first: sorted.slice(0, count), rest: rest.length, restSum: rest.reduce((sum, one) => sum + one.product, 0) };
}

/**
 * @param {Reply} cell an answer to filters.cell
 * @param {boolean} mean
 */
export function cellArithmetic(cell, mean) {
  const channels = cell.terms[cell.terms.length - 1].channel + 1;
  const parts = [];
  for (let channel = 0; channel < channels; channel++) {
    const terms = cell.terms.filter((/** @type {Reply} */ term) => term.channel === channel);
    const name = channels > 1 ? `${CHANNELS[channel]} ` : "";
    parts.push(element("div", { class: "product" },
      square(squareOf(terms, "input"), `${name}patch`), sign("x"),
      square(squareOf(terms, "weight"), `${name}filter`), sign("="),
      square(squareOf(terms, "product"), `${name}products`)));
  }
  return [...parts, element("div", { class: "sum" }, ...lines(cell, mean)), why(cell, mean)];
}

/**
 * @param {Reply} cell
 * @param {boolean} mean
 */
function lines(cell, mean) {
  const made = [];
  const products = cell.terms.map((/** @type {Reply} */ term) => term.product);
  if (products.length <= WRITTEN_OUT) {
    made.push(line(multiplied(cell.terms)), line(`= ${summed(products)}`));
    made.push(line("= ", strong(short(cell.sum))));
  } else {
    const { first, rest, restSum } = weightiest(cell.terms, LARGEST);
    made.push(line(`${multiplied(first)} + ...`));
    made.push(line(`= ${summed(first.map((term) => term.product))}, and ${rest} more that come to ${short(restSum)}`));
    made.push(element("details", {}, element("summary", {}, `All ${products.length} products`), line(summed(products))));
    made.push(line("= ", strong(short(cell.sum))));
  }
  if (mean) {
    made.push(line(`The mean of ${cell.count}: ${short(cell.sum)} / ${cell.count} = `, strong(short(cell.value))));
  }
  return made;
}

/**
 * @param {Reply} cell
 * @param {boolean} mean
 */
function why(cell, mean) {
  const padding = cell.terms.filter((/** @type {Reply} */ term) => term.padding).length;
  const formula = mean
    ? "value = (sum over channels, rows and columns of picture * filter) / (number of products)"
    : "value = sum over channels, rows and columns of picture * filter";
  const source = mean
    ? "The lecture's slides take the mean; a layer of a network takes the sum and adds a bias that it learns."
    : "A layer of a network takes this sum and adds a bias that it learns; here the bias is 0.";
  return element("details", {}, element("summary", {}, "Why?"),
    element("p", { class: "formula" }, formula), element("p", {}, source),
    ...(padding ? [element("p", {}, `${padding} of the numbers are padding: 0, so their products are 0.`)] : []));
}

/** @param {Reply} cell an answer to filters.pool */
export function poolArithmetic(cell, isMax = cell.winners.length > 0) {
  const numbers = cell.numbers.flat();
  const told = isMax
    ? line(`The largest of ${numbers.map(short).join(", ")} is `, strong(short(cell.value)))
    : line(`(${summed(numbers)}) / ${cell.count} = ${short(cell.sum)} / ${cell.count} = `, strong(short(cell.value)));
  const ties = cell.winners.length > 1 ? [line(`${cell.winners.length} cells are as large: it is all the same which one wins.`)] : [];
  return [element("div", { class: "product" }, square(cell.numbers, "window")), element("div", { class: "sum" }, told, ...ties)];
}

/**
 * @param {number[][]} values
 * @param {string} label
 */
function square(values, label) {
  const host = element("div");
  const wide = values.flat().some((value) => short(value).length > 4);
  makeGrid(host, { label })({ values, scale: scaleOf(values), format: wide && values.length > 3 ? shorter : short,
    width: wide ? 56 : values.length > 3 ? 32 : 40 });
  return element("figure", {}, host, element("figcaption", {}, label));
}

/** @param {string} text */
const sign = (text) => element("span", { class: "sign", "aria-hidden": "true" }, text);
/** @param {string} text */
const strong = (text) => element("strong", {}, text);
/** @param {(Node | string)[]} children */
const line = (...children) => element("p", {}, ...children);
