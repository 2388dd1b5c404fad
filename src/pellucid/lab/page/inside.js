// The room Inside: which network, picture and cell are chosen, what is asked, and when. Others draw.

import { element } from "./arithmetic.js";
import { hurried, onlyLatest } from "./ask.js";
import { makeAnswer } from "./insideanswer.js";
import { indexTold, makeCell, number } from "./insidecell.js";
import { makeLayers } from "./insidelayers.js";
import { makeNumbers, strongest } from "./insidemap.js";
import { cellUnder, makePicture } from "./insidepicture.js";
import { buildRoom, fillSelect, legend } from "./insideroom.js";

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {import("./grid.js").Place} Place */

const PATIENCE = 200;

/**
 * The place of a cell as an address has it.
 * @param {string | undefined} text
 * @returns {number[] | null}
 */
export function indexOf(text) {
  const parts = (text ?? "").split(",");
  return [1, 3].includes(parts.length) && parts.every((part) => /^\d{1,6}$/.test(part)) ? parts.map(Number) : null;
}

/**
 * Where in a map a cell lies: of a flat layer's units a row has `width`.
 * @param {Reply} layer
 * @param {number[]} index
 * @param {number} width
 * @returns {Place}
 */
export const placeIn = (layer, index, width) =>
  layer.flat ? { row: Math.floor(index[0] / width), column: index[0] % width } : { row: index[1], column: index[2] };

/**
 * The index of a place in a map.
 * @param {Reply} layer
 * @param {number} channel
 * @param {Place} at
 * @param {number} width
 */
export function indexAt(layer, channel, { row, column }, width) {
  if (!layer.flat) return [channel, row, column];
  return layer.shape.length === 1 ? [row * width + column] : [row * width + column, 0, 0];
}

/**
 * @param {{root: HTMLElement, ask: (question: Record<string, unknown>) => Promise<Reply>, tell: (error: unknown) => void,
 *   save: (chosen: Record<string, string>) => void}} page
 */
export async function openInside({ root, ask, tell, save }) {
  const room = buildRoom(root);
  const start = await ask({ kind: "inside.start" });
  const chosen = { network: start.network, picture: start.picture, layer: "", index: /** @type {number[]} */ ([]), sort: "" };
  const seen = { look: /** @type {Reply | null} */ (null), view: /** @type {ImageBitmap | null} */ (null),
    map: /** @type {any} */ (null), cell: /** @type {Reply | null} */ (null) };
  /** @type {Map<string, Promise<import("./insidelayers.js").Sheet>>} */
  let sheets = new Map();
  const latest = onlyLatest();
  const failed = (/** @type {unknown} */ error) => { if (error) tell(error); };

  fillSelect(room.network, start.networks);
  fillSelect(room.picture, start.examples);
  const layers = makeLayers(room.layers, { sheet, tell, enter: () => room.map.querySelector("canvas")?.focus(),
    choose: (layer, channel) => choose(layer, null, channel), openGroup: (layer) => choose(layer, null, null) });
  const drawMap = makeNumbers(room.map, { label: "The chosen map", channel: turn, leave: () => layers.focus(chosen.layer),
    enter: () => room.title.focus(), choose: (at) => choose(chosen.layer, indexAt(layerOf(), channelOf(), at, seen.map.width), null) });
  const drawCell = makeCell(room.arithmetic, { open: (layer, index) => choose(layer, index, null), tell,
    more: (what, first, count) => ask({ ...about(), kind: "inside.more", layer: chosen.layer, index: chosen.index, what, first, count }) });
  const drawPicture = makePicture(room.view, { choose: (pixel, size) => {
    if (seen.map && !layerOf().flat) choose(chosen.layer, [channelOf(), ...Object.values(cellUnder(pixel, size, seen.map))], null);
  } });
  const drawAnswer = makeAnswer(room.answer);

  const about = () => ({ network: chosen.network, picture: chosen.picture });
  const layerOf = (name = chosen.layer) => seen.look?.layers.find((/** @type {Reply} */ one) => one.name === name);
  const channelOf = () => (layerOf()?.flat ? 0 : chosen.index[0]);

  /** @param {string} layer */
  function sheet(layer) {
    const found = sheets.get(layer) ?? ask({ kind: "inside.sprite", ...about(), layer }).then(async (reply) =>
      ({ reply, bitmap: await createImageBitmap(new Blob([reply.sprite], { type: "image/png" })) }));
    sheets.set(layer, found);
    return found;
  }

  function remember() {
    save({ network: chosen.network === start.network ? "" : chosen.network, picture: chosen.picture === start.picture ? "" : chosen.picture,
      layer: chosen.layer, cell: chosen.index.join(","), sort: chosen.sort });
  }

  /** Go to a cell; without its index to the strongest one of the channel, or of the strongest channel. */
  const choose = hurried(async (/** @type {string} */ layer, /** @type {number[] | null} */ index, /** @type {number | null} */ channel) => {
    try {
      await reach(layer, index, channel);
      tell(null);
    } catch (error) {
      failed(error);
    }
  });

  /** @param {string} name @param {number[] | null} index @param {number | null} channel */
  async function reach(name, index, channel) {
    const look = seen.look, layer = layerOf(name);
    if (!look || !layer) return;
    const strong = layer.flat ? 0 : index ? index[0] : channel ?? (await sheet(name)).reply.order[0];
    layers.draw(look, { layer: name, channel: strong, byNumber: chosen.sort === "number" });
    const mapped = ask({ kind: "inside.map", ...about(), layer: name, channel: strong });
    const opened = index ? ask({ kind: "inside.cell", ...about(), layer: name, index }) : null;
    const reply = await mapped;
    const map = { ...reply, values: floats(reply) };
    const at = index ?? indexAt(layer, strong, strongest(/** @type {any} */ (map)), reply.width);
    const cell = await (opened ?? ask({ kind: "inside.cell", ...about(), layer: name, index: at }));
    if (seen.look !== look) return;
    Object.assign(chosen, { layer: name, index: at });
    Object.assign(seen, { map, cell });
    remember();
    show();
  }

  /** @type {WeakMap<object, Float32Array>} */
  const converted = new WeakMap();
  /** The numbers of a map, made once of its bytes. @param {Reply} reply */
  function floats(reply) {
    const values = converted.get(reply) ?? new Float32Array(reply.values);
    converted.set(reply, values);
    return values;
  }

  function show() {
    const { look, view, map, cell } = seen, layer = layerOf();
    if (!look || !view || !cell || !layer) return;
    drawPicture(look, view, cell.pixels);
    drawMap(map, placeIn(layer, chosen.index, map.width));
    room.mapTitle.textContent = layer.flat ? `${layer.name}: ${layer.output}` : `${layer.name}, channel ${chosen.index[0]}`;
    room.title.replaceChildren(`${layer.name} `, element("small", {}, `${layer.kind}, ${indexTold(layer.shape.length === 1 ? [chosen.index[0]] : chosen.index)}`));
    room.value.replaceChildren(number(cell.value, "strong"));
    for (const button of room.moves.querySelectorAll("button")) button.disabled = layer.flat && button.dataset.channel !== undefined;
    drawCell(cell);
    room.legend.replaceChildren(...legend(map.scale));
    root.dataset.shown = `${chosen.layer}:${chosen.index.join(",")}`;
  }

  /** @param {number} step to the next channel in the order of the columns */
  async function turn(step) {
    const layer = layerOf();
    if (!layer || layer.flat) return;
    const { order } = (await sheet(layer.name)).reply;
    const sorted = chosen.sort === "number" ? [...order].sort((one, other) => one - other) : order;
    const next = sorted[sorted.indexOf(chosen.index[0]) + step];
    if (next !== undefined) choose(layer.name, [next, ...chosen.index.slice(1)], null);
  }

  /** @param {number} down @param {number} right */
  function move(down, right) {
    const layer = layerOf();
    if (!layer || !seen.map) return;
    const at = placeIn(layer, chosen.index, seen.map.width);
    const to = { row: at.row + down, column: at.column + right };
    const there = seen.map.values[to.row * seen.map.width + to.column];
    if (to.row >= 0 && to.column >= 0 && to.column < seen.map.width && there !== undefined && !Number.isNaN(there)) {
      choose(layer.name, indexAt(layer, channelOf(), to, seen.map.width), null);
    }
  }

  /** Look at the chosen picture with the chosen network, and go to a cell. @param {string} [layer] @param {number[] | null} [index] */
  async function look(layer = chosen.layer, index = chosen.index.length ? chosen.index : null) {
    const waiting = window.setTimeout(() => { room.status.textContent = seen.look ? "Looking ..." : "Opening the network. The first time takes some seconds, while PyTorch is loaded ..."; }, PATIENCE);
    root.setAttribute("aria-busy", "true");
    try {
      const found = await latest(ask({ kind: "inside.look", ...about() }));
      if (!found) return;
      sheets = new Map();
      seen.look = found;
      seen.view = await createImageBitmap(new Blob([found.view], { type: "image/png" }));
      drawAnswer(found);
      const fits = found.layers.find((/** @type {Reply} */ one) => one.name === layer);
      if (layer && !fits) await ask({ kind: "inside.sprite", ...about(), layer }).catch(tell);
      const within = fits && index?.length === fits.shape.length && index.every((place, axis) => place < fits.shape[axis]);
      await reach(fits ? layer : found.layers[0].name, within ? index : null, null);
    } finally {
      clearTimeout(waiting);
      room.status.textContent = "";
      root.removeAttribute("aria-busy");
    }
  }

  /** @param {() => Promise<void>} work */
  async function trying(work) {
    try {
      tell(null);
      await work();
    } catch (error) {
      failed(error);
    }
  }

  room.network.addEventListener("change", () => { chosen.network = room.network.value; trying(() => look("", null)); });
  room.picture.addEventListener("change", () => { chosen.picture = room.picture.value; trying(look); });
  room.sort.addEventListener("change", () => { chosen.sort = room.sort.value; choose(chosen.layer, chosen.index, null); });
  for (const button of room.moves.querySelectorAll("button")) button.addEventListener("click", () => {
    const { move: way, channel } = button.dataset;
    if (channel) turn(Number(channel));
    else if (way) move(.../** @type {[number, number]} */ (way.split(",").map(Number)));
  });
  room.cell.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented) return;
    room.map.querySelector("canvas")?.focus();
  });

  /** @param {Record<string, string>} said what an address says */
  async function restore(said) {
    Object.assign(chosen, { network: said.network ?? start.network, picture: said.picture ?? start.picture, sort: said.sort === "number" ? "number" : "" });
    room.sort.value = chosen.sort;
    for (const [select, name] of /** @type {[HTMLSelectElement, string][]} */ ([[room.network, chosen.network], [room.picture, chosen.picture]])) {
      if (![...select.options].some((one) => one.value === name)) select.append(element("option", { value: name }, name));
      select.value = name;
    }
    await look(said.layer ?? "", indexOf(said.cell));
  }

  return { restore, halt: () => {} };
}
