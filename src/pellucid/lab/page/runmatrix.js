// The confusion matrix as a grid of numbers for mouse, keyboard and screen reader; or its worst pairs as a list.

import { element } from "./arithmetic.js";
import { moved } from "./grid.js";
import { colour, css, ink } from "./palette.js";

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {import("./grid.js").Place} Place */

/**
 * The colour of a cell: blue where right and orange where wrong, by its share of the row.
 * @param {number[][]} shares
 * @param {number} row
 * @param {number} column
 * @param {number} worst the largest share that is wrong
 */
export const shade = (shares, row, column, worst) =>
  (row === column ? colour(-shares[row][column], 1) : colour(shares[row][column], Math.max(worst, 1e-9)));

/**
 * The largest share that is wrong.
 * @param {number[][]} shares
 */
export const worstOf = (shares) => Math.max(0, ...shares.flatMap((row, at) => row.filter((_, column) => column !== at)));

/**
 * @param {HTMLElement} host
 * @param {{open: (at: Place) => void}} acts
 */
export function makeMatrix(host, { open }) {
  let at = { row: 0, column: 0 };
  /** @type {HTMLElement[][]} */
  let cells = [];

  /** @param {Place} to */
  function go(to) {
    cells[at.row]?.[at.column]?.setAttribute("tabindex", "-1");
    at = to;
    cells[at.row]?.[at.column]?.setAttribute("tabindex", "0");
  }

  host.addEventListener("click", (event) => {
    const cell = event.target instanceof Element ? event.target.closest("[data-at]") : null;
    if (!(cell instanceof HTMLElement)) return;
    const [row, column] = (cell.dataset.at ?? "").split(",").map(Number);
    if (cells.length) go({ row, column });
    open({ row, column });
  });
  host.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !cells.length) return;
    const to = moved(at, event.key, cells.length, cells[0].length);
    if (to) {
      event.preventDefault();
      go(to);
      cells[to.row][to.column].focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open(at);
    }
  });

  /** @param {Reply} told @param {Place | null} chosen */
  return (told, chosen) => {
    cells = [];
    if (!told.counts.length) {
      host.replaceChildren(element("p", { class: "quiet" }, `${told.classes.length} classes are too many for a matrix; these are confused most.`), pairs(told));
      return;
    }
    if (chosen) at = { ...chosen };
    at = { row: Math.min(at.row, told.classes.length - 1), column: Math.min(at.column, told.classes.length - 1) };
    const worst = worstOf(told.shares);
    const name = (/** @type {string} */ text, /** @type {Record<string, string>} */ given) => element("th", { title: text, ...given }, element("span", {}, text));
    const rows = told.counts.map((/** @type {number[]} */ counts, /** @type {number} */ row) => {
      cells.push(counts.map((count, column) => {
        const cell = element("td", { role: "gridcell", "data-at": `${row},${column}`, "data-value": String(count),
          tabindex: row === at.row && column === at.column ? "0" : "-1",
          "aria-selected": String(chosen?.row === row && chosen?.column === column),
          "aria-label": `${told.classes[row]} taken for ${told.classes[column]}: ${count}, ${told.told[row][column]}`,
          title: `${told.classes[row]} taken for ${told.classes[column]}: ${count} of ${told.totals[row]}, ${told.told[row][column]}` }, count ? String(count) : "");
        const back = shade(told.shares, row, column, worst);
        cell.style.background = css(back);
        cell.style.color = css(ink(back));
        return cell;
      }));
      return element("tr", { role: "row" }, name(told.classes[row], { scope: "row", role: "rowheader" }), ...cells[row], element("td", { class: "total", role: "gridcell" }, String(told.totals[row])));
    });
    const table = element("table", { role: "grid", class: "matrix", "aria-label": "Confusion matrix: rows are what pictures are, columns what they were taken for" },
      element("thead", { role: "rowgroup" }, element("tr", { role: "row" }, element("th", { role: "columnheader" }, "is \\ said"), ...told.classes.map((/** @type {string} */ one) => name(one, { scope: "col", role: "columnheader" })), element("th", { scope: "col", role: "columnheader" }, "all"))),
      element("tbody", { role: "rowgroup" }, ...rows));
    host.replaceChildren(element("div", { class: "scroll" }, table),
      element("p", { class: "quiet" }, `Blue is right and orange wrong, by the share of the row${worst ? `; orange is full at ${Math.round(1000 * worst) / 10} %` : ""}. Arrow keys move, Enter opens the pictures of a cell.`),
      ...(told.pairs.length ? [element("h3", {}, "Most confused"), pairs(told)] : []));
  };
}

/** @param {Reply} told */
const pairs = (told) => element("ol", { class: "pairs" }, ...told.pairs.slice(0, told.counts.length ? 5 : undefined).map((/** @type {Reply} */ one) =>
  element("li", {}, element("button", { type: "button", class: "link", "data-at": `${one.truth},${one.said}` }, one.told))));
