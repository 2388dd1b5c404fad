// What comes out of each layer as a block drawn to scale: as high and wide as the map, as thick as its channels.

import { short } from "./numbers.js";

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {{x: number, y: number, thick: number, high: number, slant: number, flat: boolean}} Block */

const SIDE = 120, THICK = 64, LEAST = 2, GAP = 40, SLANT = 0.35, LETTER = 8;
const SVG = "http://www.w3.org/2000/svg";

/**
 * Where each block stands. Sides have one scale, channels one, and flat rows one, each the same for all layers.
 * @param {number[][]} shapes [height, width, channels] or [units]
 * @param {number[]} letters that stand under each block
 */
export function placed(shapes, letters) {
  const maps = shapes.filter((shape) => shape.length === 3), flats = shapes.filter((shape) => shape.length === 1);
  const side = SIDE / Math.max(1, ...maps.flatMap(([height, width]) => [height, width]));
  const thick = THICK / Math.max(1, ...maps.map((shape) => shape[2]));
  const flat = SIDE / Math.max(1, ...flats.map(([units]) => units));
  let x = 8;
  const blocks = shapes.map((shape, index) => {
    const isFlat = shape.length === 1;
    const high = Math.max((isFlat ? shape[0] * flat : shape[0] * side), LEAST);
    const slant = isFlat ? 0 : shape[1] * side * SLANT;
    /** @type {Block} */
    const block = { x, y: 0, thick: isFlat ? 8 : Math.max(shape[2] * thick, LEAST), high, slant, flat: isFlat };
    x += Math.max(block.thick + slant + GAP, letters[index] * LETTER + 16);
    return block;
  });
  const top = Math.max(...blocks.map((block) => block.high + block.slant));
  for (const block of blocks) block.y = 8 + (top + block.slant - block.high) / 2;
  return { blocks, width: x, height: top + 16, side, thick, flat };
}

/**
 * @param {string} name
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 */
function svg(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  made.append(...children);
  return made;
}

/**
 * @param {HTMLElement} host
 * @param {HTMLElement} told
 * @param {Reply} account
 */
export function drawVolumes(host, told, account) {
  const layers = [{ name: "input", ...account.input }, ...account.rows];
  const { blocks, width, height, side, thick, flat } = placed(layers.map((one) => one.shape),
    layers.map((one) => Math.max(one.name.length, one.output.length)));
  const named = layers.map((one) => `${one.name} ${one.output}`).join(", ");
  const picture = svg("svg", { width, height: height + 48, viewBox: `0 0 ${width} ${height + 48}`, role: "img", "aria-label": `Volumes: ${named}` });
  blocks.forEach((block, index) => {
    const { x, y, thick: across, high, slant } = block;
    picture.append(svg("g", {},
      svg("title", {}, `${layers[index].name}: ${layers[index].output}`),
      svg("rect", { class: "face", x, y, width: across, height: high }),
      ...(slant ? [
        svg("path", { class: "face", d: `M${x} ${y}l${slant} ${-slant}h${across}l${-slant} ${slant}z` }),
        svg("path", { class: "side", d: `M${x + across} ${y}l${slant} ${-slant}v${high}l${-slant} ${slant}z` }),
      ] : []),
      svg("text", { x, y: height + 16 }, layers[index].name),
      svg("text", { class: "quiet", x, y: height + 36 }, layers[index].output)));
  });
  host.replaceChildren(picture);
  const hasFlat = blocks.some((block) => block.flat);
  const maps = `All at one scale: a side of ${short(SIDE / side)} is ${SIDE} long, ${short(THICK / thick)} channels are ${THICK} thick`;
  told.textContent = hasFlat ? `${maps}, a flat row of ${short(SIDE / flat)} numbers is ${SIDE} high.` : `${maps}.`;
}
