// The furniture of the room Inside: its parts in their order, built once, with nothing in them.

import { element } from "./arithmetic.js";
import { short } from "./numbers.js";
import { colour, css } from "./palette.js";

/**
 * @param {HTMLElement} root
 */
export function buildRoom(root) {
  const select = () => /** @type {HTMLSelectElement} */ (element("select"));
  const network = select(), picture = select(), beside = select(), sort = select();
  sort.append(element("option", { value: "" }, "strongest first"), element("option", { value: "number" }, "by number"), element("option", { value: "spot" }, "most at the chosen spot"));
  const view = element("div"), give = element("div"), otherView = element("div"), other = element("div", { class: "large" }), saliency = element("div"), layers = element("div", { class: "layers" }), map = element("div"), arithmetic = element("div", { class: "opened" });
  const answer = element("div"), status = element("p", { class: "quiet", role: "status" });
  const title = element("h2", { tabindex: "-1" }, "One cell"), mapTitle = element("h3"), value = element("p", { class: "value", "aria-live": "polite" });
  const legendPlace = element("div", { class: "legend", role: "img", "aria-label": "Colours: blue below zero, white at zero, orange above" });
  const button = (/** @type {string} */ text, /** @type {Record<string, string>} */ given) => element("button", { type: "button", ...given }, text);
  const moves = element("div", { class: "buttons", role: "group", "aria-label": "Move to a neighbouring cell" },
    button("Left", { "data-move": "0,-1" }), button("Up", { "data-move": "-1,0" }), button("Down", { "data-move": "1,0" }), button("Right", { "data-move": "0,1" }),
    button("Channel before", { "data-channel": "-1" }), button("Channel after", { "data-channel": "1" }));
  const part = (/** @type {string} */ name, /** @type {string} */ label, /** @type {(Node | string)[]} */ ...children) => element("section", { class: name, "aria-label": label }, ...children);
  const digits = /** @type {HTMLInputElement} */ (element("input", { type: "checkbox" }));
  moves.append(element("label", {}, digits, "All digits"));
  const cell = part("cell", "One cell", element("div", { class: "maps" }, element("div", { class: "large" }, mapTitle, map, legendPlace), other), element("div", { class: "one" }, title, value, moves, arithmetic));
  root.classList.add("inside");
  const own = element("p", { class: "quiet" }, "Others have trained this one. Train your own, ", element("code", {}, "pellucid train FOLDER"), ", and it is listed here when you come back.");
  root.replaceChildren(element("p", {}, "A picture goes through a network, layer by layer. Choose a layer's map, then a cell of it: every number that made it is written out."), status, element("div", { class: "bench" },
    part("sight", "Picture", element("h2", {}, "Picture"), element("label", {}, "Network ", network), own, element("label", {}, "Picture ", picture), view, give,
      element("label", {}, "A second picture beside it ", beside), otherView),
    part("middle", "Layers", element("div", { class: "heading" }, element("h2", {}, "Layers"), element("label", {}, "Channels ", sort)), layers),
    cell,
    part("answer", "Answer", element("h2", {}, "Answer"), answer, saliency)));
  beside.append(element("option", { value: "" }, "none"));
  return { own, digits, network, picture, beside, sort, view, give, other, otherView, saliency, layers, map, mapTitle, legend: legendPlace, arithmetic, answer, status, title, value, moves, cell };
}

/**
 * @param {HTMLSelectElement} select
 * @param {{name: string, title: string, group: string}[]} choices
 */
export function fillSelect(select, choices) {
  for (const group of new Set(choices.map((one) => one.group))) {
    select.append(element("optgroup", { label: group }, ...choices.filter((one) => one.group === group).map((one) => element("option", { value: one.name }, one.title))));
  }
}

/**
 * Choose a value, adding it where it is not on the list.
 * @param {HTMLSelectElement} select
 * @param {string} value
 * @param {string} title
 */
export function choosable(select, value, title) {
  if (![...select.options].some((one) => one.value === value)) select.append(element("option", { value }, title));
  select.value = value;
}

/**
 * The colours of the palette with their numbers.
 * @param {number} scale
 */
export function legend(scale) {
  return [-1, -0.5, 0, 0.5, 1].map((part) => {
    const box = element("i");
    box.style.background = css(colour(part * scale, scale || 1));
    return element("span", {}, box, short(part * scale));
  });
}
