// The views side by side, of which one is chosen, and that one opened: its warp as a matrix and in words.

import { element } from "./arithmetic.js";
import { short } from "./numbers.js";
import { cutOf, shownSize, tileCanvas } from "./tiles.js";

/** @typedef {import("./ask.js").Reply} Reply */

const TILE = 144, LARGE = 232, MARGIN = 0.3;

/**
 * Which view a key leads to; null where it leads nowhere.
 * @param {number} at
 * @param {string} key
 * @param {number} count
 * @param {number} columns
 */
export function stepped(at, key, count, columns) {
  const to = /** @type {Record<string, number>} */ ({ ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - columns, ArrowDown: at + columns, Home: 0, End: count - 1 })[key];
  if (to === undefined) return null;
  return to < 0 || to >= count ? at : to;
}

/**
 * A row of the matrix as a formula: x' = 0.97 x - 0.24 y + 30.1.
 * @param {string} name
 * @param {number[]} row
 */
export function formula(name, [a, b, c]) {
  const then = (/** @type {number} */ value, /** @type {string} */ of) => ` ${value < 0 ? "-" : "+"} ${short(Math.abs(value))}${of}`;
  return `${name} = ${short(a)} x${then(b, " y")}${then(c, "")}`;
}

/**
 * Where the corners of a view lie in the picture, in pixels whose centres are whole numbers.
 * @param {number[][]} matrix
 * @param {number} height
 * @param {number} width
 */
export const corners = ([[a, b, c], [d, e, f]], height, width) =>
  [[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]]
    .map(([x, y]) => [a * x + b * y + c, d * x + e * y + f]);

/**
 * @param {HTMLElement} host
 * @param {{choose: (view: number) => void}} acts
 */
export function makeWall(host, { choose }) {
  const tiles = () => /** @type {HTMLElement[]} */ ([...host.children]);
  const columns = () => {
    const all = tiles();
    return Math.max(all.findIndex((one) => one.offsetTop > all[0].offsetTop), 0) || all.length;
  };
  host.addEventListener("click", (event) => {
    const at = tiles().findIndex((one) => event.target instanceof Node && one.contains(event.target));
    if (at >= 0) { choose(at); tiles()[at].focus(); }
  });
  host.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = tiles().findIndex((one) => one === document.activeElement);
    const to = at < 0 ? null : stepped(at, event.key, tiles().length, columns());
    if (to === null) return;
    event.preventDefault();
    choose(to);
    tiles()[to].focus();
  });

  /** @param {Reply} reply @param {ImageBitmap} bitmap @param {number} chosen */
  return (reply, bitmap, chosen) => {
    const focused = tiles().findIndex((one) => one === document.activeElement);
    host.replaceChildren(...reply.views.map((/** @type {Reply} */ view, /** @type {number} */ at) => element("div", { role: "option", class: "view" },
      tileCanvas(bitmap, reply.sheet, at + 1, TILE), element("span", {}, element("b", {}, String(view.number + 1)), ` ${view.said}`))));
    mark(host, chosen);
    if (focused >= 0) tiles()[Math.min(focused, tiles().length - 1)]?.focus();
  };
}

/** @param {HTMLElement} host @param {number} chosen */
export function mark(host, chosen) {
  [...host.children].forEach((one, at) => {
    one.setAttribute("aria-selected", String(at === chosen));
    one.setAttribute("tabindex", at === chosen ? "0" : "-1");
  });
}

/**
 * One view opened: the picture with a frame round what the view shows of it, the view, and the matrix.
 * @param {Reply} reply
 * @param {ImageBitmap} bitmap
 * @param {number} chosen
 */
export function opened(reply, bitmap, chosen) {
  const view = reply.views[chosen];
  const figure = (/** @type {Node} */ canvas, /** @type {string} */ caption) => element("figure", {}, canvas, element("figcaption", {}, caption));
  const shown = figure(tileCanvas(bitmap, reply.sheet, chosen + 1, LARGE), `view ${view.number + 1}`);
  if (!view.warp) {
    return [figure(tileCanvas(bitmap, reply.sheet, 0, LARGE), "the picture"), shown, element("div", { class: "matrix" },
      element("p", {}, "No pixel moves: this plan changes values only."))];
  }
  const [x, y] = view.warp.matrix;
  const line = (/** @type {string} */ name, /** @type {number[]} */ row) => element("p", { class: "formula", title: row.join(", ") }, formula(name, row));
  return [figure(framed(reply, bitmap, chosen), "the picture; framed is what the view shows"), shown, element("div", { class: "matrix" },
    element("p", { class: "words" }, `${view.warp.told[0].toUpperCase()}${view.warp.told.slice(1)}.`), line("x'", x), line("y'", y),
    element("details", {}, element("summary", {}, "Why?"),
      element("p", {}, "Column x and row y of the view show what stands in the picture at column x' and row y', counted from 0. "
        + "All that moves pixels is put together into this one map, so that the picture is interpolated only once, and beyond its edges it is continued only once."),
      element("p", {}, `With all digits: ${[...x, ...y].join(", ")}.`)))];
}

/** @param {Reply} reply @param {ImageBitmap} bitmap @param {number} chosen */
function framed(reply, bitmap, chosen) {
  const cut = cutOf(reply.sheet, 0), [tall, broad] = reply.sheet.sizes[chosen + 1];
  const { scale } = shownSize(cut.height, cut.width, LARGE / (1 + 2 * MARGIN));
  const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { "aria-hidden": "true", class: "framed" }));
  const surface = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const sharp = Math.max(Math.round(devicePixelRatio), 1);
  const across = cut.width * scale * (1 + 2 * MARGIN), down = cut.height * scale * (1 + 2 * MARGIN);
  Object.assign(canvas, { width: Math.round(across * sharp), height: Math.round(down * sharp) });
  canvas.style.width = `${Math.round(across)}px`;
  surface.scale(sharp, sharp);
  surface.translate(cut.width * scale * MARGIN, cut.height * scale * MARGIN);
  surface.imageSmoothingEnabled = scale < 2;
  surface.drawImage(bitmap, cut.left, cut.top, cut.width, cut.height, 0, 0, cut.width * scale, cut.height * scale);
  surface.beginPath();
  for (const [x, y] of corners(reply.views[chosen].warp.matrix, tall, broad)) surface.lineTo((x + 0.5) * scale, (y + 0.5) * scale);
  surface.closePath();
  for (const [width, style] of /** @type {[number, string][]} */ ([[4, "#fff"], [2, "#000"]])) {
    surface.lineWidth = width;
    surface.strokeStyle = style;
    surface.stroke();
  }
  return canvas;
}
