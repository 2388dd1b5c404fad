// A second picture in the room Inside: the same map and the same cell of it, beside the first one's.

import { element } from "./arithmetic.js";
import { firstName } from "./insideanswer.js";
import { number } from "./insidecell.js";
import { makeNumbers } from "./insidemap.js";
import { makePicture } from "./insidepicture.js";

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {import("./grid.js").Place} Place */

/**
 * @param {HTMLElement} host where the second map is drawn
 * @param {HTMLElement} sight where the second picture is drawn
 * @param {{choose: (at: Place) => void, where: (at: Place) => string}} options
 */
export function makeBeside(host, sight, { choose, where }) {
  const title = element("h3"), told = element("p", { class: "quiet", "aria-live": "polite" }), place = element("div"), view = element("div"), answer = element("p", { class: "quiet" });
  const drawMap = makeNumbers(place, { label: "The same map of the other picture", choose, where });
  const drawPicture = makePicture(view, { choose: () => {} });
  host.replaceChildren(title, place, told);
  sight.replaceChildren(view, answer);

  /**
   * @param {{look: Reply, view: ImageBitmap, map: any} | null} other
   * @param {{name: string, layer: string, at: Place, value: number | null, pixels: Reply | null}} cell
   */
  return (other, { name, layer, at, value, pixels }) => {
    host.hidden = sight.hidden = !other;
    if (!other) return;
    const { look, map } = other;
    const theirs = map.values[at.row * map.width + at.column];
    title.textContent = `${layer}, of ${name}`;
    drawMap(map, at);
    drawPicture(look, other.view, pixels);
    told.replaceChildren("Here it is ", number(theirs), ...(value === null ? [] : [", in the first picture ", number(value), ": a difference of ", number(theirs - value)]), ".");
    const [best] = look.answer.best;
    answer.replaceChildren(...(best ? [`${look.answer.named ? firstName(best.name) : `class ${best.name}`} `, number(best.probability)] : []));
  };
}
