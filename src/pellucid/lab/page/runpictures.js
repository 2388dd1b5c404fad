// Pictures that a run answered, as thumbnails: each a link into the room Inside, or a word where it is gone.

import { element } from "./arithmetic.js";
import { written } from "./state.js";
import { bitmapOf, tileCanvas } from "./tiles.js";

/** @typedef {import("./ask.js").Reply} Reply */

const SIDE = 112;

/**
 * The address that opens the room Inside on a picture of a run.
 * @param {string} network
 * @param {string} picture
 */
export const insideLink = (network, picture) => written({ room: "inside", chosen: { network, picture } });

/**
 * @param {Reply} reply an answer to runs.cell or runs.pictures
 * @param {string} network
 */
export async function wallOf(reply, network) {
  const bitmap = reply.tiles.byteLength ? await bitmapOf(reply.tiles) : null;
  return element("ul", { class: "wall" }, ...reply.pictures.map((/** @type {Reply} */ one) => {
    const words = [one.right ? element("b", {}, one.said) : element("span", {}, "said ", element("b", {}, one.said), ", is ", element("b", {}, one.truth)), `, ${one.confidence} sure`];
    const path = element("small", { class: "path", title: one.path }, one.path);
    if (one.place === null || !bitmap) return element("li", {}, element("div", { class: "gone" }, one.gone), element("span", {}, ...words), path);
    return element("li", {}, element("a", { href: insideLink(network, one.picture), "data-row": String(one.row) },
      tileCanvas(bitmap, reply.sheet, one.place, SIDE), element("span", { class: "look" }, "Look inside")), element("span", {}, ...words), path);
  }));
}
