// What the network of the room Inside answers: its most probable classes, with their numbers.

import { element } from "./arithmetic.js";
import { number } from "./insidecell.js";

/** @typedef {import("./ask.js").Reply} Reply */

/**
 * A class as a person says it: of ImageNet's many names the first one.
 * @param {string} name
 */
export const firstName = (name) => name.split(/,(?![^(]*\))/)[0].trim();

/**
 * @param {HTMLElement} host
 */
export function makeAnswer(host) {
  /** @param {Reply} look */
  return (look) => {
    const rows = look.answer.best.map((/** @type {Reply} */ one) => {
      const bar = element("i", { "aria-hidden": "true" });
      bar.style.width = `${Math.round(100 * (one.probability ?? 0))}%`;
      const name = look.answer.named ? firstName(one.name) : `class ${one.name}`;
      return element("tr", {}, element("th", { scope: "row", title: one.name }, name, bar), number(one.probability, "td"));
    });
    const notes = look.notes.map((/** @type {string} */ note) => element("p", { class: "quiet" }, note));
    host.replaceChildren(rows.length
      ? element("table", {}, element("caption", {}, `Most probable, of ${look.answer.classes.toLocaleString("en")}`), element("tbody", {}, ...rows))
      : element("p", { class: "quiet" }, "This network ends in no classes."), ...notes);
  };
}
