// One number of the room Inside, opened: the arithmetic as Python worked it out, where it comes from and goes.

import { element } from "./arithmetic.js";
import { short } from "./numbers.js";
import { colour, css, ink, scaleOf } from "./palette.js";

/** @typedef {import("./ask.js").Reply} Reply */

/**
 * A number: four digits in sight, all of them on hover and when it is copied.
 * @param {number | null} value
 * @param {string} name of the element
 */
export function number(value, name = "span") {
  if (value === null) return element(name, { class: "number", title: "no finite number" }, "-");
  return element(name, { class: "number", "data-value": String(value), title: String(value) }, short(value));
}

/**
 * Some places in a row: row 3, rows 3 to 5, 4 rows from 0 to 9.
 * @param {string} axis
 * @param {{first: number, last: number, count: number} | null} span
 */
export function spanTold(axis, span) {
  if (!span) return "";
  if (span.count === 1) return `${axis} ${span.first}`;
  const even = span.last - span.first + 1 === span.count;
  return even ? `${axis}s ${span.first} to ${span.last}` : `${span.count} ${axis}s from ${span.first} to ${span.last}`;
}

/**
 * Where a cell is, in words.
 * @param {number[]} index
 */
export const indexTold = (index) =>
  index.length === 1 ? `unit ${index[0]}` : ["channel", "row", "column"].map((axis, at) => `${axis} ${index[at]}`).join(", ");

/**
 * What part of the picture can change the cell.
 * @param {Reply | null} pixels
 */
export function pixelsTold(pixels) {
  if (!pixels) return "No pixel can change it.";
  const { top, left, bottom, right, beyond, exact } = pixels;
  const sides = [["above", beyond.top], ["to the left", beyond.left], ["below", beyond.bottom], ["to the right", beyond.right]];
  const outside = sides.filter(([, count]) => count).map(([side, count]) => `${count} ${side}`).join(", ");
  return `Pixels: rows ${top} to ${bottom}, columns ${left} to ${right}, framed on the picture`
    + (outside ? `; beyond its edges padding stands in (${outside})` : "") + (exact ? "." : "; at most, for a layer on the way is of an unknown kind.");
}

/**
 * Whether a cell wins the windows that it lies in.
 * @param {Reply} use
 */
export const wonTold = ({ won, cells }) =>
  won === null ? "" : cells === 1 ? (won ? "it wins its window" : "another wins the window") : `it wins ${won} of ${cells} windows`;

/**
 * @param {HTMLElement} host
 * @param {{open: (layer: string, index: number[]) => void, more: (what: "terms" | "slices", first: number, count: number) => Promise<Reply>,
 *   tell: (error: unknown) => void}} options
 */
export function makeCell(host, { open, more, tell }) {
  /** @param {Reply} cell */
  return (cell) => {
    host.replaceChildren(...(cell.known ? arithmetic(cell) : unknown(cell)), element("div", {}, whence(cell), whither(cell)));
  };

  /** @param {Reply} cell */
  function arithmetic(cell) {
    const parts = [];
    if (cell.slices.length) parts.push(slices(cell));
    if (!cell.slices.length || cell.slices[0].input.length * cell.slices[0].input[0].length > 1) parts.push(terms(cell));
    return [element("div", {}, results(cell), ...why(cell)), ...parts];
  }

  /** @param {Reply} cell */
  function unknown(cell) {
    const inputs = cell.inputs.map((/** @type {Reply} */ one) => element("li", {}, `${one.source}, ${one.shape.join("x")}: from `, number(one.least), " to ",
      number(one.largest), ", mean ", number(one.mean)));
    return [element("p", {}, cell.formula), element("p", {}, "It was given:"), element("ul", {}, ...inputs),
      element("table", { class: "results" }, element("tbody", {}, resultRow("PyTorch says", cell.value, "")))];
  }

  /** The patch beside the kernel and their products, a row for each input channel. @param {Reply} cell */
  function slices(cell) {
    const [rows, columns] = [cell.slices[0].input.length, cell.slices[0].input[0].length];
    const of = `${rows} x ${columns}`, count = cell.slices.length + cell.other_slices.count;
    const first = cell.slices[0];
    const hasWeights = first.weight.flat().some((/** @type {number | null} */ one) => one !== null);
    const scales = { input: 0, weight: 0, product: 0 };
    const body = element("div", { class: "slices" });
    const rest = element("p", { class: "rest" });
    const add = (/** @type {Reply[]} */ list) => body.append(...list.map((one) => slice(one, scales, hasWeights)));
    for (const field of /** @type {(keyof typeof scales)[]} */ (Object.keys(scales))) {
      scales[field] = scaleOf(...cell.slices.map((/** @type {Reply} */ one) => one[field].map((/** @type {(number | null)[]} */ row) => row.map((value) => value ?? 0))));
    }
    add(cell.slices);
    fold(rest, "slices", cell.slices.length, cell.other_slices, "channel", add);
    return element("div", {}, element("h3", {}, count === 1 ? `Patch x kernel = products (${of})` : `Patch x kernel = products (${count} channels of ${of}), what adds most first`), body, rest);
  }

  /** @param {Reply} cell */
  function terms(cell) {
    const flat = cell.terms.every((/** @type {Reply} */ term) => term.row === null);
    const sources = new Set(cell.terms.map((/** @type {Reply} */ term) => term.source));
    const opens = new Set(cell.from.filter((/** @type {Reply} */ one) => one.opens).map((/** @type {Reply} */ one) => one.source));
    const head = element("thead", {}, element("tr", {}, ...["from", "input", "weight", "product"].map((name, at) =>
      element("th", at ? { scope: "col", class: "number" } : { scope: "col" }, name))));
    const body = element("tbody");
    const rest = element("p", { class: "rest" });
    const row = (/** @type {Reply} */ term) => {
      const index = [term.channel, term.row, term.column].filter((place) => place !== null);
      const words = `${sources.size > 1 ? `${term.source} ` : ""}${flat ? `unit ${term.channel}` : index.join(", ")}`;
      return element("tr", term.padding ? { class: "padding" } : {}, element("th", { scope: "row" },
        opens.has(term.source) && !term.padding ? link(words, term.source, index, `Open ${term.source}, ${indexTold(index)}`) : words,
        term.padding ? " padding" : ""), number(term.input, "td"), number(term.weight, "td"), number(term.product, "td"));
    };
    const add = (/** @type {Reply[]} */ list) => body.append(...list.map(row));
    add(cell.terms);
    fold(rest, "terms", cell.terms.length, cell.rest, "term", add);
    const caption = element("caption", {}, cell.count > 1 ? `${cell.count.toLocaleString("en")} terms, what adds most first${flat ? "" : " (channel, row, column)"}`
      : `One term${flat ? "" : " (channel, row, column)"}`);
    return element("div", {}, element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Terms" }, element("table", { class: "terms" }, caption, head, body)), rest);
  }

  /**
   * What is not shown: how many, what they come to, and a button that brings more of them.
   * @param {HTMLElement} place
   * @param {"terms" | "slices"} what
   * @param {number} shown
   * @param {{count: number, sum: number | null}} rest
   * @param {string} word
   * @param {(list: Reply[]) => void} add
   */
  function fold(place, what, shown, rest, word, add) {
    place.hidden = rest.count === 0;
    if (!rest.count) { place.replaceChildren(); return; }
    const step = what === "terms" ? 50 : 10;
    const button = element("button", { type: "button" }, rest.count > step ? `Show ${step} more` : `Show ${rest.count === 1 ? "it" : "them"}`);
    place.replaceChildren(`${rest.count.toLocaleString("en")} other ${word}${rest.count === 1 ? "" : "s"} come${rest.count === 1 ? "s" : ""} to `, number(rest.sum), " ", button);
    button.addEventListener("click", async () => {
      try {
        const reply = await more(what, shown, step);
        add(reply[what]);
        fold(place, what, shown + reply[what].length, reply.rest, word, add);
        /** @type {HTMLElement | null} */ (place.querySelector("button"))?.focus();
      } catch (error) {
        tell(error);
      }
    });
  }

  /** @param {Reply} cell */
  function whence(cell) {
    const list = cell.from.map((/** @type {Reply} */ one) => {
      const part = [spanTold(cell.from.length && one.rows ? "channel" : "unit", one.channels), spanTold("row", one.rows), spanTold("column", one.columns)].filter(Boolean).join(", ");
      const words = part ? `${one.source}: ${part}` : one.source;
      return element("li", {}, one.opens && one.index ? link(words, one.source, one.index, `Open ${one.source}, ${indexTold(one.index)}, which adds most`) : words);
    });
    return element("section", { class: "links" }, element("h3", {}, "Comes from"), element("ul", {}, ...list), element("p", { class: "quiet" }, pixelsTold(cell.pixels)));
  }

  /** @param {Reply} cell */
  function whither(cell) {
    const list = cell.uses.map((/** @type {Reply} */ use) => {
      if (!use.known) return element("li", {}, `${use.layer} (${use.kind}); in which cells is not known.`);
      const part = [spanTold(use.rows ? "channel" : "unit", use.channels), spanTold("row", use.rows), spanTold("column", use.columns)].filter(Boolean).join(", ");
      const words = `${use.layer}: ${part}`;
      return element("li", {}, use.index ? link(words, use.layer, use.index, `Open ${use.layer}, ${indexTold(use.index)}`) : words,
        use.won === null ? "" : element("span", { class: use.won ? "won" : "quiet" }, `, ${wonTold(/** @type {any} */ (use))}`));
    });
    return element("section", { class: "links" }, element("h3", {}, "Goes to"),
      list.length ? element("ul", {}, ...list) : element("p", {}, "No later layer: it is an answer of the network."));
  }

  /** @param {string} words @param {string} layer @param {number[]} index @param {string} label */
  function link(words, layer, index, label) {
    const button = element("button", { type: "button", class: "link", title: label }, words);
    button.addEventListener("click", () => open(layer, index));
    return button;
  }
}

/** @param {Reply} cell */
const why = ({ why: words, source }) => words
  ? [element("details", {}, element("summary", {}, "Why?"), element("p", {}, words), ...(source ? [element("p", { class: "quiet" }, source)] : []))] : [];

/** From the products to the framework's own number, a line each. @param {Reply} cell */
function results(cell) {
  const rows = [];
  for (const [name, value] of cell.details) if (!(name === "equally large" && value === 1)) rows.push(resultRow(name, value, ""));
  if (cell.linear) rows.push(resultRow("sum of the products", cell.products, `${cell.count.toLocaleString("en")} term${cell.count === 1 ? "" : "s"}`
    + (cell.padding ? `, ${cell.padding} of them padding` : "")));
  if (cell.has_bias || cell.bias) rows.push(resultRow("+ bias", cell.bias, ""));
  rows.push(resultRow("= sum", cell.sum, cell.linear ? "in float64" : cell.formula));
  if (cell.activation) {
    for (const [name, value] of Object.entries(cell.activation.details)) rows.push(resultRow(name.replaceAll("_", " "), value, ""));
    rows.push(resultRow(cell.activation.name, cell.activation.output, cell.activation.formula));
  }
  rows.push(resultRow("PyTorch says", cell.value, ""));
  const within = cell.residue !== null && Math.abs(cell.residue) <= cell.rounding;
  rows.push(resultRow("residue", cell.residue, within ? `what float32 rounds off; up to ${short(Number(cell.rounding.toPrecision(1)))} is expected` : "more than rounding explains"));
  return element("table", { class: "results" }, element("tbody", {}, ...rows));
}

/** @param {string} name @param {number | null} value @param {string} note */
const resultRow = (name, value, note) =>
  element("tr", {}, element("th", { scope: "row" }, name), number(value, "td"), element("td", { class: "quiet" }, note));

/** @param {Reply} one @param {{input: number, weight: number, product: number}} scales @param {boolean} hasWeights */
function slice(one, scales, hasWeights) {
  const sign = (/** @type {string} */ text) => element("span", { class: "sign", "aria-hidden": "true" }, text);
  const label = `channel ${one.channel}`;
  return element("div", { class: "slice" }, element("span", { class: "quiet" }, label),
    matrix(one.input, scales.input, `patch of ${label}`, one.padding),
    ...(hasWeights ? [sign("x"), matrix(one.weight, scales.weight, `kernel for ${label}`), sign("="), matrix(one.product, scales.product, `products of ${label}`)] : []),
    sign("sum"), number(one.sum));
}

/**
 * @param {(number | null)[][]} values
 * @param {number} scale
 * @param {string} label
 * @param {boolean[][] | null} padding
 */
function matrix(values, scale, label, padding = null) {
  const rows = values.map((row, at) => element("tr", {}, ...row.map((value, column) => {
    const cell = number(value, "td");
    const background = colour(value ?? 0, scale);
    cell.style.background = css(background);
    cell.style.color = css(ink(background));
    if (padding?.[at][column]) {
      cell.classList.add("padded");
      cell.title = `padding: ${value ?? "no number"}`;
    }
    return cell;
  })));
  return element("table", { class: "matrix", "aria-label": label }, element("tbody", {}, ...rows));
}
