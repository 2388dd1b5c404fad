// The furniture of the room Run: chooser, figures, curves, matrix and pictures, built once, with nothing in them.

import { element } from "./arithmetic.js";

/** @param {HTMLElement} root */
export function buildRun(root) {
  const chooser = /** @type {HTMLSelectElement} */ (element("select"));
  const again = element("button", { type: "button" }, "Look again");
  const empty = element("div"), damage = element("div", { role: "status" });
  const live = element("div", { role: "status" }), answer = element("p", { class: "answer" });
  const head = element("div"), ladder = element("div"), curves = element("div"), course = element("div"), tried = element("div");
  const matrix = element("div"), calibration = element("div"), worst = element("div"), opened = element("div");
  const openedTitle = element("h2", { tabindex: "-1" }), worstTitle = element("h2", {}, "Worst mistakes"), learning = element("h2");
  const part = (/** @type {string} */ name, /** @type {string} */ label, /** @type {(Node | string)[]} */ ...children) =>
    element("section", { class: `stage ${name}`, "aria-label": label }, ...children);
  const parts = {
    figures: part("figures", "Figures", element("h2", {}, "On pictures it never saw"), answer, ladder),
    calibration: part("believed", "Confidence", element("h2", {}, "How sure it may be"), calibration),
    curves: part("curves", "Curves", learning, live, curves, course, tried),
    matrix: part("confusion", "Confusion matrix", element("h2", {}, "What it takes for what"), matrix),
    opened: part("pictures", "Pictures of the chosen cell", openedTitle, opened),
    worst: part("pictures worst", "Worst mistakes", worstTitle, worst),
    head: part("making", "How it was made", element("h2", {}, "How it was made"), head),
  };
  const choosing = element("div", { class: "buttons" }, element("label", {}, "Run ", chooser), again);
  root.classList.add("run");
  root.replaceChildren(choosing, empty, damage,
    element("div", { class: "bench" }, ...Object.values(parts)));
  return { chooser, choosing, again, empty, damage, live, answer, head, ladder, curves, course, tried, matrix, calibration, worst, worstTitle, opened, openedTitle, learning, parts };
}

/**
 * A table of text: a head, and rows whose first cell names them.
 * @param {string} caption
 * @param {string[]} head
 * @param {(string | Node)[][]} rows
 * @param {number[]} numbers the columns whose cells stand to the right
 */
export function table(caption, head, rows, numbers = []) {
  /** @param {number} column @returns {Record<string, string>} */
  const given = (column) => (numbers.includes(column) ? { class: "number" } : {});
  const made = element("table", {}, element("caption", {}, caption),
    ...(head.length ? [element("thead", {}, element("tr", {}, ...head.map((name, column) => element("th", { scope: "col", ...given(column) }, name))))] : []),
    element("tbody", {}, ...rows.map(([first, ...rest]) => element("tr", {}, element("th", { scope: "row" }, first),
      ...rest.map((cell, column) => element("td", given(column + 1), cell))))));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, made);
}
