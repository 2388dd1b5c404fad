// A small map as a grid of cells with their numbers in them, for mouse, keyboard and screen reader alike.

import { colour, css, ink } from "./palette.js";

/** @typedef {{row: number, column: number}} Place */
/** @typedef {{top: number, left: number, rows: number, columns: number}} Box */

/**
 * @typedef {object} Look
 * @property {(number | null)[][]} values null is a cell that is not yet worked out
 * @property {number} scale
 * @property {(value: number) => string} format
 * @property {number} width of a cell, in pixels
 * @property {number[][]=} pads [[top, bottom], [left, right]] zeros that are drawn around
 * @property {Box=} box what is framed
 * @property {Place=} chosen
 * @property {Place[]=} marked
 * @property {(row: number, column: number) => string=} note what is said of a cell besides its number
 */

/**
 * Where a key leads; null where it leads nowhere.
 * @param {Place} at
 * @param {string} key
 * @param {number} rows
 * @param {number} columns
 * @returns {Place | null}
 */
export function moved({ row, column }, key, rows, columns) {
  /** @type {Record<string, [number, number]>} */
  const ways = { ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1],
    ArrowRight: [row, column + 1], Home: [row, 0], End: [row, columns - 1] };
  const to = ways[key];
  if (!to) return null;
  return { row: Math.min(Math.max(to[0], 0), rows - 1), column: Math.min(Math.max(to[1], 0), columns - 1) };
}

/**
 * The grid, shifted; what comes in from outside is `fill`.
 * @param {number[][]} grid
 * @param {number} down
 * @param {number} right
 * @param {number} fill
 */
export const shifted = (grid, down, right, fill) =>
  grid.map((row, at) => row.map((_, column) => grid[at - down]?.[column - right] ?? fill));

/**
 * @param {HTMLElement} host
 * @param {{label: string, choose?: (at: Place) => void, act?: (at: Place, key: string) => void}} options
 * @returns {(look: Look) => void} draws
 */
export function makeGrid(host, { label, choose, act }) {
  let at = { row: 0, column: 0 };
  /** @type {HTMLElement[][]} */
  let cells = [];
  let shape = "";

  /** @param {Look} look */
  function build(look) {
    const [[top, bottom], [left, right]] = look.pads ?? [[0, 0], [0, 0]];
    const rows = look.values.length, columns = look.values[0]?.length ?? 0;
    const next = [rows, columns, top, bottom, left, right, look.width].join();
    if (next === shape) return;
    const focused = host.contains(document.activeElement);
    shape = next;
    const grid = document.createElement("div");
    grid.className = "grid";
    grid.setAttribute("role", "grid");
    grid.setAttribute("aria-label", label);
    grid.style.setProperty("--cell", `${look.width}px`);
    cells = [];
    for (let row = -top; row < rows + bottom; row++) {
      const line = document.createElement("div");
      line.setAttribute("role", "row");
      if (row >= 0 && row < rows) cells.push([]);
      for (let column = -left; column < columns + right; column++) {
        const cell = document.createElement("div");
        const inside = row >= 0 && row < rows && column >= 0 && column < columns;
        cell.setAttribute("role", "gridcell");
        if (inside) {
          cell.dataset.at = `${row},${column}`;
          cells[row].push(cell);
        } else {
          cell.className = "pad";
          cell.textContent = "0";
          cell.title = "padding: 0";
          cell.dataset.pad = `${row},${column}`;
        }
        line.append(cell);
      }
      grid.append(line);
    }
    host.replaceChildren(grid);
    at = { row: Math.min(at.row, rows - 1), column: Math.min(at.column, columns - 1) };
    if (focused) cells[at.row]?.[at.column]?.focus();
  }

  /** @param {EventTarget | null} target */
  function placeOf(target) {
    const cell = target instanceof Element ? target.closest("[data-at]") : null;
    if (!(cell instanceof HTMLElement) || !cell.dataset.at) return null;
    const [row, column] = cell.dataset.at.split(",").map(Number);
    return { row, column };
  }

  /** @param {Place} to */
  function go(to) {
    cells[at.row]?.[at.column]?.setAttribute("tabindex", "-1");
    at = to;
    cells[at.row]?.[at.column]?.setAttribute("tabindex", "0");
  }

  host.addEventListener("click", (event) => {
    const to = placeOf(event.target);
    if (!to) return;
    go(to);
    cells[to.row][to.column].focus();
    choose?.(to);
    act?.(to, "click");
  });
  host.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !cells.length) return;
    const to = moved(at, event.key, cells.length, cells[0].length);
    if (to) {
      event.preventDefault();
      go(to);
      cells[to.row][to.column].focus();
      choose?.(to);
    } else if ([" ", "Enter", "+", "-"].includes(event.key)) {
      event.preventDefault();
      if (!act) choose?.(at);
      act?.(at, event.key);
    }
  });

  return (look) => {
    build(look);
    if (look.chosen && !host.contains(document.activeElement)) at = { ...look.chosen };
    cells.forEach((line, row) => line.forEach((cell, column) => {
      paint(cell, look, row, column);
      cell.setAttribute("tabindex", row === at.row && column === at.column ? "0" : "-1");
    }));
    for (const pad of /** @type {NodeListOf<HTMLElement>} */ (host.querySelectorAll("[data-pad]"))) {
      const [row, column] = (pad.dataset.pad ?? "").split(",").map(Number);
      frame(pad, look.box, row, column);
    }
  };
}

/**
 * @param {HTMLElement} cell
 * @param {Look} look
 * @param {number} row
 * @param {number} column
 */
function paint(cell, look, row, column) {
  const value = look.values[row][column];
  const note = look.note?.(row, column) ?? "";
  cell.textContent = value === null ? "" : look.format(value);
  if (value === null) {
    delete cell.dataset.value;
    cell.style.background = cell.style.color = "";
  } else {
    const background = colour(value, look.scale);
    cell.dataset.value = String(value);
    cell.style.background = css(background);
    cell.style.color = css(ink(background));
  }
  cell.title = [value === null ? "not yet worked out" : String(value), note].filter(Boolean).join(". ");
  cell.setAttribute("aria-label", [value === null ? "empty" : look.format(value), note].filter(Boolean).join(". "));
  cell.classList.toggle("noted", note !== "");
  cell.classList.toggle("marked", look.marked?.some((one) => one.row === row && one.column === column) ?? false);
  const chosen = look.chosen?.row === row && look.chosen?.column === column;
  cell.classList.toggle("chosen", chosen);
  cell.setAttribute("aria-selected", String(chosen));
  frame(cell, look.box, row, column);
}

/**
 * The four edges of the frame that this cell is on.
 * @param {HTMLElement} cell
 * @param {Box | undefined} box
 * @param {number} row
 * @param {number} column
 */
function frame(cell, box, row, column) {
  const inside = box && row >= box.top && row < box.top + box.rows && column >= box.left && column < box.left + box.columns;
  cell.classList.toggle("in", Boolean(inside));
  cell.classList.toggle("in-top", Boolean(inside && row === box.top));
  cell.classList.toggle("in-bottom", Boolean(inside && row === box.top + box.rows - 1));
  cell.classList.toggle("in-left", Boolean(inside && column === box.left));
  cell.classList.toggle("in-right", Boolean(inside && column === box.left + box.columns - 1));
}
