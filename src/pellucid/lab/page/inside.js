// The room Inside: which network, picture and cell are chosen, what is asked, and when. Others draw.

import { element } from "./arithmetic.js";
import { AskError, hurried, onlyLatest } from "./ask.js";
import { makeBeside } from "./insidebeside.js";
import { copyInFull, writeDigits } from "./insidedigits.js";
import { DRAWING, makeGive } from "./insidegive.js";
import { makeAnswer } from "./insideanswer.js";
import { indexTold, makeCell, number } from "./insidecell.js";
import { byNumber, makeLayers } from "./insidelayers.js";
import { makeNumbers, mapOf, ownScale, strongest } from "./insidemap.js";
import { cellUnder, makePicture } from "./insidepicture.js";
import { indexAt, indexOf, placeIn } from "./insideplace.js";
import { buildRoom, choosable, fillSelect, legend } from "./insideroom.js";
import { makeSaliency } from "./insidesaliency.js";
import { base64 } from "./upload.js";

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {import("./grid.js").Place} Place */

const PATIENCE = 200, KEPT = 40;

/**
 * @param {{root: HTMLElement, ask: (question: Record<string, unknown>) => Promise<Reply>, tell: (error: unknown) => void,
 *   save: (chosen: Record<string, string>) => void}} page
 */
export async function openInside({ root, ask, tell, save }) {
  const room = buildRoom(root);
  const start = await ask({ kind: "inside.start" });
  const chosen = { network: start.network, picture: start.picture, layer: "", index: /** @type {number[]} */ ([]), sort: "", beside: "" };
  const seen = { look: /** @type {Reply | null} */ (null), view: /** @type {ImageBitmap | null} */ (null),
    map: /** @type {any} */ (null), other: /** @type {{look: Reply, view: ImageBitmap, map: any} | null} */ (null),
    over: /** @type {{bitmap: ImageBitmap, part: number} | null} */ (null), cell: /** @type {Reply | null} */ (null),
    spot: /** @type {{row: number, column: number} | null} */ (null) };
  /** @type {Map<string, Promise<{reply: Reply, bitmap: ImageBitmap}>>} */
  let sheets = new Map();
  /** The pictures that were given since the page was opened, by their names, should Python let go of them. */
  const own = new Map(/** @type {[string, Blob][]} */ ([]));
  /** Which run of its name was looked at, as Python tells it: later questions are about that very one. */
  const stamps = /** @type {Record<string, string | undefined>} */ ({});
  let entered = false;
  const latest = onlyLatest();
  const failed = (/** @type {unknown} */ error) => { if (error) tell(error); };

  list(start.networks);
  fillSelect(room.picture, start.examples);
  fillSelect(room.beside, start.examples);
  // A file that holds one picture's answers can take no other.
  if (start.fixed) for (const one of [room.give, room.beside.closest("label")]) /** @type {HTMLElement} */ (one).hidden = true;
  /** A place in the chosen map in words. @param {Place} at */
  const where = (at) => (layerOf()?.flat ? `unit ${indexAt(layerOf(), 0, at, seen.map?.width ?? 1)[0]}` : `row ${at.row}, column ${at.column}`);
  const layers = makeLayers(room.layers, { sheet, tell, enter: () => room.map.querySelector("canvas")?.focus(),
    choose: (layer, channel) => choose(layer, null, channel), openGroup: (layer) => choose(layer, null, null) });
  const drawMap = makeNumbers(room.map, { label: "The chosen map", where, channel: turn, leave: () => layers.focus(chosen.layer),
    enter: () => room.title.focus(), choose: (at) => choose(chosen.layer, indexAt(layerOf(), channelOf(), at, seen.map.width), null) });
  const drawCell = makeCell(room.arithmetic, { open: (layer, index) => choose(layer, index, null), tell,
    more: (what, first, count) => asks({ kind: "more", layer: chosen.layer, index: chosen.index, what, first, count }) });
  const drawPicture = makePicture(room.view, { choose: (pixel, size) => {
    seen.spot = pixel;
    if (seen.map && !layerOf().flat) choose(chosen.layer, [channelOf(), ...Object.values(cellUnder(pixel, size, seen.map))], null);
  } });
  const drawAnswer = makeAnswer(room.answer);
  const drawBeside = makeBeside(room.other, room.otherView, { where, choose: (at) => choose(chosen.layer, indexAt(layerOf(), channelOf(), at, seen.map.width), null) });
  const saliency = makeSaliency(room.saliency, { ask: asks, tell, remember, open: (layer, channel) => choose(layer, null, channel),
    draw: (over) => { seen.over = over; drawSight(); } });
  const giving = makeGive(room.give, { largest: start.largest_file, sees: () => seen.look?.channels ?? 3, give: hurried(async (file, name) => {
    try {
      chosen.picture = await send(file);
      for (const [select, kept] of /** @type {[HTMLSelectElement, string][]} */ ([[room.picture, ""], [room.beside, chosen.beside]])) {
        // A drawing is another picture with each stroke: the list has its last one.
        if (name === DRAWING) for (const one of [...select.options]) if (one.textContent === name && one.value !== kept) one.remove();
        choosable(select, chosen.picture, name);
      }
      room.beside.value = chosen.beside;
      await look();
    } catch (error) {
      giving.say(error instanceof Error ? error.message : String(error), true);
    }
  }) });

  /** @param {{name: string, title: string, group: string}[]} networks */
  function list(networks) {
    room.network.replaceChildren();
    fillSelect(room.network, networks);
    room.own.hidden = networks.some((one) => one.group === "runs" || one.group === "yours");
  }

  const about = () => ({ network: chosen.network, picture: chosen.picture, stamp: stamps[chosen.network] });
  const layerOf = (name = chosen.layer) => seen.look?.layers.find((/** @type {Reply} */ one) => one.name === name);
  const channelOf = () => (layerOf()?.flat ? 0 : chosen.index[0]);

  /** @param {string} layer */
  async function sheet(layer) {
    const found = sheets.get(layer) ?? asks({ kind: "sprite", layer }).then(async (reply) =>
      ({ reply, bitmap: await createImageBitmap(new Blob([reply.sprite], { type: "image/png" })) }));
    sheets.set(layer, found);
    const made = await found, { order } = made.reply;
    if (chosen.sort === "number") return { ...made, order: byNumber(order) };
    const spot = layerOf(layer)?.flat ? null : spotOf();
    return { ...made, order: /** @type {number[]} */ (spot ? (await asks({ kind: "spot", layer, at: [spot.row, spot.column] })).order : order) };
  }

  /** The spot that channels are sorted by; null where they are not. */
  const spotOf = () => (chosen.sort === "spot" ? seen.spot : null);

  /** The spot of the picture that is looked at: the chosen cell's, until a cell elsewhere is chosen. @param {number[]} index @param {Reply} map */
  function spotted(index, map) {
    const look = /** @type {Reply} */ (seen.look), [, row, column] = index, at = seen.spot && cellUnder(seen.spot, /** @type {any} */ (look), /** @type {any} */ (map));
    if (at?.row === row && at?.column === column) return;
    seen.spot = { row: Math.floor(((row + 0.5) * look.height) / map.height), column: Math.floor(((column + 0.5) * look.width) / map.width) };
  }

  function remember() {
    save({ network: chosen.network === start.network ? "" : chosen.network, picture: chosen.picture === start.picture ? "" : chosen.picture,
      layer: chosen.layer, cell: chosen.index.join(","), sort: chosen.sort, beside: chosen.beside, ...saliency.said() });
  }

  /** Go to a cell; without its index to the strongest one of the channel, or of the strongest channel. */
  const choose = hurried(async (/** @type {string} */ layer, /** @type {number[] | null} */ index, /** @type {number | null} */ channel) => {
    try {
      tell(null);
      await reach(layer, index, channel);
    } catch (error) {
      failed(error);
    }
  });

  /** @param {string} name @param {number[] | null} index @param {number | null} channel */
  async function reach(name, index, channel) {
    const look = seen.look, layer = layerOf(name);
    if (!look || !layer) return;
    if (index && !layer.flat) spotted(index, { height: layer.shape[1], width: layer.shape[2] });
    const strong = layer.flat ? 0 : index ? index[0] : channel ?? (await sheet(name)).order[0];
    const spot = layer.flat ? null : spotOf();
    layers.draw(look, { layer: name, channel: strong, order: spot ? `spot ${spot.row} ${spot.column}` : chosen.sort });
    const mapped = asks({ kind: "map", layer: name, channel: strong });
    const opened = index ? asks({ kind: "cell", layer: name, index }) : null;
    const reply = await mapped;
    const map = mapOf(reply);
    const at = index ?? indexAt(layer, strong, spot ? cellUnder(spot, /** @type {any} */ (look), map) : strongest(/** @type {any} */ (map)), reply.width);
    const cell = await (opened ?? asks({ kind: "cell", layer: name, index: at }));
    const other = chosen.beside ? await second(name, strong).catch((error) => { tell(error); chosen.beside = room.beside.value = ""; return null; }) : null;
    if (seen.look !== look) return;
    Object.assign(chosen, { layer: name, index: at });
    Object.assign(seen, { map, cell, other });
    remember();
    show();
  }

  /** The second picture, and the same map of it. @param {string} layer @param {number} channel */
  async function second(layer, channel) {
    const [look, reply] = await Promise.all([asks({ kind: "look", picture: chosen.beside }), asks({ kind: "map", picture: chosen.beside, layer, channel })]);
    return { look, map: mapOf(reply), view: await createImageBitmap(new Blob([look.view], { type: "image/png" })) };
  }

  /** The picture, with what the cell comes from, saliency and the spot. */
  function drawSight() {
    if (seen.look && seen.view) drawPicture(seen.look, seen.view, seen.cell?.pixels ?? null, seen.over, spotOf());
  }

  function show() {
    const { look, view, map, cell, other } = seen, layer = layerOf();
    if (!look || !view || !cell || !layer) return;
    const at = placeIn(layer, chosen.index, map.width), scale = ownScale(map, other?.map);
    drawSight();
    drawMap({ ...map, scale }, at);
    drawBeside(other && { ...other, map: { ...other.map, scale } }, { name: room.beside.selectedOptions[0]?.textContent ?? "", at, value: cell.value, pixels: cell.pixels,
      layer: layer.flat ? layer.name : `${layer.name}, channel ${chosen.index[0]}` });
    room.mapTitle.textContent = layer.flat ? `${layer.name}: ${layer.output}` : `${layer.name}, channel ${chosen.index[0]}`;
    room.title.replaceChildren(`${layer.name} `, element("small", {}, `${layer.kind}, ${indexTold(layer.shape.length === 1 ? [chosen.index[0]] : chosen.index)}`));
    room.value.replaceChildren(number(cell.value, "strong"));
    for (const button of room.moves.querySelectorAll("button")) button.disabled = layer.flat && button.dataset.channel !== undefined;
    drawCell(cell);
    if (room.digits.checked) writeDigits(room.cell, true);
    room.legend.replaceChildren(...legend(scale));
    root.dataset.shown = `${chosen.layer}:${chosen.index.join(",")}`;
  }

  /** Once more to the chosen cell; where none is chosen yet, to the first layer's. */
  const stay = () => choose(chosen.layer || seen.look?.layers[0].name, chosen.index.length ? chosen.index : null, null);

  /** @param {number} step to the next channel in the order of the columns */
  async function turn(step) {
    const layer = layerOf();
    if (!layer || layer.flat) return;
    const { order } = await sheet(layer.name), next = order[order.indexOf(chosen.index[0]) + step];
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

  /** Hand a picture to Python, which gives it a name. @param {Blob} file @param {number} again */
  async function send(file, again = 0) {
    const { picture } = await ask({ kind: "inside.give", data: await base64(file), ...(again ? { again } : {}) });
    own.set(picture, file);
    if (own.size > KEPT) own.delete(/** @type {string} */ (own.keys().next().value));
    return picture;
  }

  /** Ask about a picture; one that Python has let go of is sent once more. @param {Record<string, unknown>} question */
  async function asks(question) {
    const asked = { ...about(), ...question, kind: `inside.${question.kind}` };
    try {
      return await ask(asked);
    } catch (error) {
      const file = own.get(asked.picture);
      if (!(error instanceof AskError && error.forgotten && file)) throw error;
      await send(file, Date.now());
      return ask(asked);
    }
  }

  /** Look at the chosen picture with the chosen network, and go to a cell. @param {string} [layer] @param {number[] | null} [index] */
  async function look(layer = chosen.layer, index = chosen.index.length ? chosen.index : null) {
    const waiting = window.setTimeout(() => {
      root.setAttribute("aria-busy", "true");
      room.status.textContent = seen.look ? "Looking ..." : "Opening the network. The first time takes some seconds, while PyTorch is loaded ...";
    }, PATIENCE);
    try {
      const again = chosen.network.startsWith("run/") ? Date.now() : undefined;
      const found = await latest(asks({ kind: "look", stamp: undefined, again }));
      if (!found) return;
      tell(null);
      stamps[chosen.network] = found.stamp;
      sheets = new Map();
      seen.spot = null;
      seen.look = found;
      seen.view = await createImageBitmap(new Blob([found.view], { type: "image/png" }));
      drawAnswer(found);
      const fits = found.layers.find((/** @type {Reply} */ one) => one.name === layer);
      if (layer && !fits) await asks({ kind: "sprite", layer }).catch(tell);
      const within = fits && index !== null && index.length === fits.shape.length && index.every((place, axis) => place < fits.shape[axis]);
      saliency.answered(found).catch(tell);
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
  copyInFull(root);
  room.digits.addEventListener("change", () => writeDigits(room.cell, room.digits.checked));
  room.beside.addEventListener("change", () => { chosen.beside = room.beside.value; stay(); });
  room.sort.addEventListener("change", () => { chosen.sort = room.sort.value; stay(); });
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
    // A run may have been trained meanwhile; a file that holds its answers holds one list.
    if (entered && !start.fixed) list((await ask({ kind: "inside.start", again: Date.now() })).networks);
    entered = true;
    Object.assign(chosen, { network: said.network ?? start.network, picture: said.picture ?? start.picture, sort: ["number", "spot"].includes(said.sort) ? said.sort : "", beside: said.beside ?? "" });
    saliency.restore(said);
    room.sort.value = chosen.sort;
    choosable(room.network, chosen.network, chosen.network);
    choosable(room.picture, chosen.picture, "your own picture");
    choosable(room.beside, chosen.beside, "your own picture");
    await look(said.layer ?? "", indexOf(said.cell));
  }

  return { restore, halt: giving.halt };
}
