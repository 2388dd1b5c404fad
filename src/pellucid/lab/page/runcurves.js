// Curves of a training as SVG, with the same numbers as a table; and intervals as bars.

import { element } from "./arithmetic.js";
import { short } from "./numbers.js";
import { table } from "./runroom.js";

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {{low: number, high: number, ticks: number[]}} Scale */

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 400, HEIGHT = 208, LEFT = 60, RIGHT = 84, TOP = 16, BOTTOM = 28;
const HEAD = ["epoch", "training loss", "validation loss", "training accuracy", "validation accuracy", "time"];

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 */
export function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/**
 * A scale that holds all values, with ticks at round numbers.
 * @param {number[]} values
 * @param {{from?: number, to?: number, most?: number, whole?: boolean}} given where it must begin and end
 * @returns {Scale}
 */
export function scaleFor(values, { from = Infinity, to = -Infinity, most = 5, whole = false } = {}) {
  const low = Math.min(from, ...values), high = Math.max(to, ...values);
  const rough = (high - low || Math.abs(high) || 1) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].map((part) => part * power).find((one) => one >= rough * 0.999) ?? power, whole ? 1 : 0);
  const first = Math.floor(low / step + 1e-9), last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toPrecision(12)));
  return { low: ticks[0], high: ticks[ticks.length - 1], ticks };
}

/**
 * Where labels stand so that none lies on another: as near to where they belong as can be.
 * @param {number[]} wanted
 * @param {number} apart
 */
export function spread(wanted, apart) {
  const order = wanted.map((at, index) => ({ at, index })).sort((one, other) => one.at - other.at);
  const placed = [...wanted];
  order.forEach(({ at, index }, rank) => {
    placed[index] = rank === 0 ? at : Math.max(at, placed[order[rank - 1].index] + apart);
  });
  return placed;
}

/**
 * @param {string} title
 * @param {Reply} told epochs, the best one, and the loss of guessing
 * @param {{key: string, name: string, kind: string}[]} lines
 * @param {{from?: number, to?: number, show: (value: number) => string, guess?: number | null}} given
 */
function chart(title, { epochs, best }, lines, given) {
  const values = lines.flatMap(({ key }) => epochs.map((/** @type {Reply} */ one) => one[key]));
  const y = scaleFor(given.guess ? [...values, given.guess] : values, given);
  const count = epochs[epochs.length - 1].epoch;
  const x = scaleFor([1, Math.max(count, 2)], { whole: true, most: 8 });
  const across = (/** @type {number} */ epoch) => LEFT + ((epoch - 1) / (Math.max(count, 2) - 1)) * (WIDTH - LEFT - RIGHT);
  const down = (/** @type {number} */ value) => TOP + ((y.high - value) / (y.high - y.low)) * (HEIGHT - TOP - BOTTOM);
  const last = epochs[epochs.length - 1];
  const labels = spread(lines.map(({ key }) => down(last[key])), 18);
  const end = Math.max(count, 2);
  const parts = [
    ...y.ticks.flatMap((tick) => [svg("line", { class: "tick", x1: LEFT, x2: WIDTH - RIGHT, y1: down(tick), y2: down(tick) }),
      svg("text", { class: "quiet", x: LEFT - 8, y: down(tick) + 4, "text-anchor": "end" }, given.show(tick))]),
    ...x.ticks.filter((tick) => tick >= 1 && tick <= end).map((tick) => svg("text", { class: "quiet", x: across(tick), y: HEIGHT - 4, "text-anchor": "middle" }, String(tick))),
    ...(best ? [svg("line", { class: "best", x1: across(best), x2: across(best), y1: TOP, y2: HEIGHT - BOTTOM })] : []),
    ...(given.guess ? [svg("line", { class: "guess", x1: LEFT, x2: WIDTH - RIGHT, y1: down(given.guess), y2: down(given.guess) }),
      svg("text", { class: "quiet", x: LEFT + 4, y: down(given.guess) - 4 }, "all classes alike")] : []),
    ...lines.flatMap(({ key, name, kind }, index) => [
      svg("polyline", { class: `curve ${kind}`, points: epochs.map((/** @type {Reply} */ one) => `${across(one.epoch)},${down(one[key])}`).join(" ") }),
      ...epochs.map((/** @type {Reply} */ one) => svg("circle", { class: kind, cx: across(one.epoch), cy: down(one[key]), r: epochs.length > 40 ? 0 : 2.5, "data-key": key, "data-epoch": one.epoch, "data-value": one[key] })),
      svg("text", { class: kind, x: across(last.epoch) + 8, y: labels[index] + 4 }, name)]),
  ];
  const told = lines.map(({ name, key }) => `${name} ${given.show(last[key])}`).join(", ");
  return element("figure", {}, svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title} for each epoch; in epoch ${count}: ${told}. The table below holds all numbers.` }, ...parts),
    element("figcaption", {}, `${title} for each epoch`));
}

/**
 * Both charts and the table of their numbers.
 * @param {Reply} told
 */
export function curvesTold(told) {
  if (!told.epochs.length) return [];
  const lines = (/** @type {string} */ key) => [{ key, name: "training", kind: "training" }, { key: `val_${key}`, name: "validation", kind: "validation" }];
  const rows = told.epochs.map((/** @type {Reply} */ one) => [`${one.epoch}${one.epoch === told.best ? " (best)" : ""}`, ...one.told]);
  return [element("div", { class: "charts" },
    chart("Loss", told, lines("loss"), { from: 0, show: short, guess: told.guess }),
    chart("Accuracy", told, lines("accuracy"), { to: 1, show: (value) => `${short(value * 100)} %` })),
  element("details", {}, element("summary", {}, `All numbers of ${told.epochs.length} epochs`), table("Each epoch", HEAD, rows, [1, 2, 3, 4, 5]))];
}

/**
 * An interval within 0 to 100 %, with its middle: a picture of numbers that stand beside it.
 * @param {number[]} interval
 * @param {number | null} middle
 */
export function bar([low, high], middle) {
  const at = (/** @type {number} */ share) => 2 + share * 116;
  return svg("svg", { viewBox: "0 0 120 16", width: 120, height: 16, "aria-hidden": "true" },
    svg("line", { class: "tick", x1: at(0), x2: at(1), y1: 8, y2: 8 }),
    svg("line", { class: "interval", x1: at(low), x2: at(high), y1: 8, y2: 8 }),
    ...(middle === null ? [] : [svg("circle", { class: "middle", cx: at(middle), cy: 8, r: 4 })]));
}

/**
 * The ladder of stages as a table with bars.
 * @param {Reply[]} stages
 */
export const ladderTold = (stages) => table("Accuracy with its 95 % interval", ["stage", "pictures", "right", "accuracy", "95 % interval", "0 to 100 %", "time"],
  stages.map((one) => [one.name, one.on, one.right, one.told, one.span, bar(one.interval, one.accuracy), one.time]), [2, 3, 4, 6]);
