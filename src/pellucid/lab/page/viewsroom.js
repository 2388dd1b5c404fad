// The furniture of the room Views: picture, plan, views and one view, built once, with nothing in them.

import { element } from "./arithmetic.js";

/** @param {HTMLElement} root */
export function buildViews(root) {
  const select = () => /** @type {HTMLSelectElement} */ (element("select"));
  const picture = select(), preset = select(), kind = select(), fill = select();
  const file = /** @type {HTMLInputElement} */ (element("input", { type: "file", accept: "image/*" }));
  const fileTold = element("p", { class: "quiet", "aria-live": "polite" }, "It stays on this machine.");
  const drop = element("div", { class: "drop" }, element("label", {}, "Or your own picture ", element("small", {}, "(choose it, or drop it here)"), file), fileTold);
  const original = element("div"), size = element("p", { class: "quiet" });
  const text = /** @type {HTMLTextAreaElement} */ (element("textarea", { rows: "5", spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-describedby": "views-wrong" }));
  const wrong = element("div", { id: "views-wrong", role: "status" });
  const add = element("button", { type: "button" }, "Add");
  const steps = element("ol", { class: "steps" });
  const seed = /** @type {HTMLInputElement} */ (element("input", { type: "number", min: "0", step: "1", inputmode: "numeric" }));
  const another = element("button", { type: "button" }, "Other views");
  const wall = element("div", { class: "wall", role: "listbox", "aria-label": "Views", "aria-orientation": "horizontal" });
  const help = element("p", { class: "quiet" }, "Arrow keys go from view to view; the chosen one is opened below.");
  const command = element("code");
  const train = element("p", { class: "quiet" });
  const one = element("div", { class: "one" }), title = element("h2", {}, "One view");
  const told = element("p", { class: "quiet", "aria-live": "polite" });
  const part = (/** @type {string} */ name, /** @type {string} */ label, /** @type {(Node | string)[]} */ ...children) =>
    element("section", { class: `stage ${name}`, "aria-label": label }, ...children);
  root.classList.add("views");
  root.replaceChildren(element("div", { class: "bench" },
    part("sight", "Picture", element("h2", {}, "Picture"), element("label", {}, "Begin with ", picture), original, size, drop),
    part("plan", "Plan", element("h2", {}, "Plan"), element("label", {}, "Preset ", preset),
      element("label", {}, "As text, one augmentation a line ", text), wrong, steps, element("label", {}, "Beyond the edges ", fill),
      element("div", { class: "buttons" }, element("label", {}, "Another ", kind), add)),
    part("shown", "Views", element("h2", {}, "Views"),
      element("div", { class: "buttons" }, element("label", {}, "Seed ", seed), another), wall, help, train),
    part("opened", "One view", title, told, one)));
  return { picture, preset, kind, fill, file, fileTold, drop, original, size, text, wrong, add, steps, seed, another, wall, train, command, title, told, one };
}
