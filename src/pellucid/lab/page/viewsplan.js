// The plan's augmentations with their factors: a slider and a number for each, or a choice.

import { element } from "./arithmetic.js";

/** @typedef {import("./ask.js").Reply} Reply */

/**
 * What tells two plans with equal controls: the kinds and how many sliders each has.
 * @param {Reply[]} steps
 */
export const shapeOf = (steps) => JSON.stringify(steps.map((step) =>
  [step.name, ...step.factors.map((/** @type {Reply} */ factor) => [factor.name, factor.parts.length])]));

/**
 * What a slider is called: its factor, and which of two bounds.
 * @param {string} name
 * @param {number} part
 * @param {number} parts
 */
export const labelOf = (name, part, parts) => `${name.replaceAll("_", " ")}${parts === 1 ? "" : part === 0 ? ", from" : ", to"}`;

/**
 * @param {HTMLElement} host
 * @param {{change: (change: Record<string, unknown>) => void, about: (name: string) => string}} acts
 * @returns {(steps: Reply[]) => void} draws
 */
export function makePlan(host, { change, about }) {
  let shape = "";
  /** @type {{set: (value: any) => void, read: (steps: Reply[]) => unknown}[]} */
  let held = [];

  /** @param {Reply} step @param {number} at */
  function row(step, at) {
    const button = (/** @type {string} */ text, /** @type {string} */ what, /** @type {string} */ label) => {
      const made = element("button", { type: "button", "aria-label": `${label} ${step.name}` }, text);
      made.addEventListener("click", () => change({ change: what, step: at }));
      return made;
    };
    const head = element("div", { class: "heading" }, element("h3", {}, step.name),
      ...(at > 0 ? [button("Up", "up", "Move up")] : []), button("Remove", "remove", "Remove"));
    return element("li", {}, head, element("p", { class: "quiet" }, about(step.name)), ...step.factors.flatMap((/** @type {Reply} */ factor, /** @type {number} */ place) =>
      factor.choices.length ? [choice(step, at, factor, place)] : factor.parts.map((/** @type {Reply} */ _, /** @type {number} */ part) => slider(step, at, factor, place, part))));
  }

  /** @param {Reply} step @param {number} at @param {Reply} factor @param {number} place */
  function choice(step, at, factor, place) {
    const select = /** @type {HTMLSelectElement} */ (element("select", {}, ...factor.choices.map((/** @type {string} */ one) => element("option", { value: one }, one.replaceAll("_", " ")))));
    select.addEventListener("change", () => change({ change: "set", step: at, factor: factor.name, value: select.value }));
    held.push({ set: (value) => { select.value = value; }, read: (steps) => steps[at].factors[place].value });
    return element("label", {}, `${labelOf(factor.name, 0, 1)} `, select);
  }

  /** @param {Reply} step @param {number} at @param {Reply} factor @param {number} place @param {number} part */
  function slider(step, at, factor, place, part) {
    const label = labelOf(factor.name, part, factor.parts.length);
    const range = /** @type {HTMLInputElement} */ (element("input", { type: "range", "aria-label": `${step.name}, ${label}` }));
    const number = /** @type {HTMLInputElement} */ (element("input", { type: "number", "aria-label": `${step.name}, ${label}, as a number` }));
    const send = (/** @type {HTMLInputElement} */ from) => change({ change: "set", step: at, factor: factor.name, part, value: from.value === "" ? null : Number(from.value), from: number });
    range.addEventListener("input", () => { number.value = range.value; send(range); });
    number.addEventListener("change", () => send(number));
    held.push({
      set: ({ value, low, high, step: by, least, most }) => {
        Object.assign(range, { min: String(low), max: String(high), step: String(by) });
        Object.assign(number, { min: String(least), max: String(most), step: "any" });
        if (document.activeElement !== range) range.value = String(value);
        number.value = String(value);
        number.removeAttribute("aria-invalid");
      },
      read: (steps) => steps[at].factors[place].parts[part],
    });
    return element("div", { class: "factor" }, element("span", { "aria-hidden": "true" }, label), range, number);
  }

  return (steps) => {
    const next = shapeOf(steps);
    if (next !== shape) {
      shape = next;
      held = [];
      host.replaceChildren(...steps.map(row));
    }
    for (const { set, read } of held) set(read(steps));
  };
}
