// The layers of the room Inside: a strip of groups, and for the open group a column of thumbnails for each layer.

import { element } from "./arithmetic.js";

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {{reply: Reply, bitmap: ImageBitmap, order: number[]}} Sheet the thumbnails, and the channels in the order that was chosen */

const ACROSS = 3, THUMB = 40, GAP = 4, FEW = 18;
/** Round each thumbnail, so that a white one is seen on white paper. */
const EDGE = "rgb(134 142 151 / 0.5)";

/**
 * Neighbouring layers of one group, in order.
 * @param {Reply[]} layers
 * @returns {{name: string, layers: Reply[]}[]}
 */
export function groupsOf(layers) {
  /** @type {{name: string, layers: Reply[]}[]} */
  const groups = [];
  for (const layer of layers) {
    const last = groups[groups.length - 1];
    if (last?.name === layer.group) last.layers.push(layer);
    else groups.push({ name: layer.group, layers: [layer] });
  }
  return groups;
}

/**
 * What a group is called: its layer's name, or its modules' name, or from the first to the last layer.
 * @param {{name: string, layers: Reply[]}} group
 */
export function groupTitle({ name, layers }) {
  if (layers.length === 1) return layers[0].name;
  return layers.every((one) => one.name.startsWith(`${name}.`)) ? name : `${layers[0].name} to ${layers[layers.length - 1].name}`;
}

/** Channels by their numbers. @param {number[]} order */
export const byNumber = (order) => [...order].sort((one, other) => one - other);

/**
 * The channels that a column shows, and how they lie: few at first, and always the chosen one.
 * @param {number[]} order
 * @param {boolean} all
 * @param {number} chosen
 */
export function listedChannels(order, all, chosen) {
  if (all || order.length <= FEW) return order;
  const few = order.slice(0, FEW);
  return few.includes(chosen) || !order.includes(chosen) ? few : [...few.slice(0, FEW - 1), chosen];
}

/**
 * Which thumbnail a key leads to: a place, or the neighbouring column at "left" or "right".
 * @param {number} at
 * @param {string} key
 * @param {number} count
 * @param {number} across
 * @returns {number | "left" | "right" | null}
 */
export function neighbour(at, key, count, across) {
  const column = at % across;
  if (key === "ArrowLeft") return column === 0 ? "left" : at - 1;
  if (key === "ArrowRight") return column === across - 1 || at === count - 1 ? "right" : at + 1;
  if (key === "ArrowUp") return at - across < 0 ? at : at - across;
  if (key === "ArrowDown") return at + across >= count ? at : at + across;
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  return null;
}

/**
 * @param {HTMLElement} host
 * @param {{choose: (layer: string, channel: number | null) => void, enter: () => void, openGroup: (layer: string) => void,
 *   sheet: (layer: string) => Promise<Sheet>, tell: (error: unknown) => void}} options
 */
export function makeLayers(host, { choose, enter, openGroup, sheet, tell }) {
  const strip = element("div", { class: "strip", role: "group", "aria-label": "Groups of layers, from the picture to the answer" });
  const columns = element("div", { class: "columns", role: "group", "aria-label": "Layers" });
  const shown = new Map(/** @type {[string, Column][]} */ ([]));
  /** @type {unknown} */
  let painted = null;
  let open = "", built = "", ordered = "";
  host.replaceChildren(strip, columns);
  /** What has the focus; in a notebook the room stands in a tree of its own. */
  const focused = () => /** @type {Document | ShadowRoot} */ (host.getRootNode()).activeElement;

  /** @typedef {{part: HTMLElement, mark: (chosen: number, isChosen: boolean) => void, load: () => void, focus: () => void}} Column */

  strip.addEventListener("keydown", (event) => {
    const buttons = /** @type {HTMLButtonElement[]} */ ([...strip.querySelectorAll("button")]);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const at = buttons.indexOf(/** @type {HTMLButtonElement} */ (focused()));
    buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)].focus();
  });
  columns.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || strip.hidden) return;
    event.preventDefault();
    /** @type {HTMLElement | null} */ (strip.querySelector("[aria-expanded=true]"))?.focus();
  });

  /** @param {Reply} layer @param {string[]} names */
  function makeColumn(layer, names) {
    const canvas = /** @type {HTMLCanvasElement} */ (element("canvas", { class: "thumbs", role: "application", tabindex: "-1" }));
    const surface = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const name = element("h3", {}, layer.name);
    const more = element("button", { type: "button", class: "plain" });
    const part = element("section", { class: "column", "aria-label": layer.name }, name,
      element("p", { class: "quiet" }, layer.kind, element("br"), layer.output), canvas, more);
    let listed = /** @type {number[]} */ ([]), at = 0, across = ACROSS, all = false, cellWidth = THUMB, cellHeight = THUMB;
    let last = /** @type {[number, boolean]} */ ([0, false]);
    /** @type {Sheet | null} */
    let drawn = null;
    /** What is drawn stays until the new thumbnails are here. */
    const load = () => sheet(layer.name).then((found) => { drawn = found; draw(...last); }, tell);

    more.addEventListener("click", () => { all = !all; draw(...last); });
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect();
      const column = Math.floor((event.clientX - box.left) / (cellWidth + GAP)), row = Math.floor((event.clientY - box.top) / (cellHeight + GAP));
      const place = row * across + Math.min(column, across - 1);
      if (place < listed.length) choose(layer.name, listed[place]);
    });
    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); enter(); return; }
      const to = neighbour(at, event.key, listed.length, across);
      if (to === null) return;
      event.preventDefault();
      if (typeof to === "number") { choose(layer.name, listed[to]); return; }
      const next = names[names.indexOf(layer.name) + (to === "left" ? -1 : 1)];
      if (next === undefined) return;
      choose(next, null);
      shown.get(next)?.focus();
    });

    /** @param {number} chosen @param {boolean} isChosen */
    function draw(chosen, isChosen) {
      last = [chosen, isChosen];
      part.classList.toggle("chosen", isChosen);
      canvas.tabIndex = isChosen ? 0 : -1;
      if (!drawn) return;
      const { reply, bitmap, order } = drawn;
      listed = listedChannels(order, all, chosen);
      at = Math.max(listed.indexOf(chosen), 0);
      across = Math.min(all ? 2 * ACROSS : ACROSS, listed.length);
      const full = ACROSS * THUMB + (ACROSS - 1) * GAP;
      const side = listed.length === 1 ? full : THUMB, long = Math.max(reply.width, reply.height);
      cellWidth = Math.max(Math.round((side * reply.width) / long), 8);
      cellHeight = Math.max(Math.round((side * reply.height) / long), 8);
      const width = across * (cellWidth + GAP) - GAP, height = Math.ceil(listed.length / across) * (cellHeight + GAP) - GAP;
      const sharp = Math.max(Math.round(devicePixelRatio), 1);
      canvas.width = width * sharp;
      canvas.height = height * sharp;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
      surface.scale(sharp, sharp);
      surface.imageSmoothingEnabled = reply.width > cellWidth * sharp; // cells that are drawn large keep their edges
      surface.lineWidth = 1;
      listed.forEach((channel, place) => {
        const x = (place % across) * (cellWidth + GAP), y = Math.floor(place / across) * (cellHeight + GAP);
        surface.drawImage(bitmap, (channel % reply.columns) * reply.width, Math.floor(channel / reply.columns) * reply.height,
          reply.width, reply.height, x, y, cellWidth, cellHeight);
        surface.strokeStyle = EDGE;
        surface.strokeRect(x + 0.5, y + 0.5, cellWidth - 1, cellHeight - 1);
      });
      const place = isChosen ? listed.indexOf(chosen) : -1;
      if (place >= 0) outline(surface, (place % across) * (cellWidth + GAP), Math.floor(place / across) * (cellHeight + GAP), cellWidth, cellHeight);
      more.hidden = reply.count <= FEW;
      more.textContent = all ? `Fewer` : `All ${reply.count}`;
      more.setAttribute("aria-label", all ? `Show fewer channels of ${layer.name}` : `Show all ${reply.count} channels of ${layer.name}`);
      const told = reply.count === 1 ? "" : `, channel ${chosen} chosen, mean size ${reply.strength[chosen]}`;
      canvas.setAttribute("aria-label", `Maps of ${layer.name}: ${reply.count} of ${layer.output}${isChosen ? told : ""}. Arrow keys choose, Enter opens.`);
    }
    /** @type {typeof draw} */
    const mark = (...now) => { if (now.some((one, place) => one !== last[place]) || !drawn) draw(...now); };
    return { part, mark, load, focus: () => canvas.focus() };
  }

  /**
   * @param {Reply} look
   * @param {{layer: string, channel: number, order: string}} chosen where another order is meant, its name is another
   */
  function draw(look, { layer, channel, order }) {
    const groups = groupsOf(look.layers);
    const group = groups.find((one) => one.layers.some((each) => each.name === layer)) ?? groups[0];
    const folded = groups.some((one) => one.layers.length > 1);
    strip.hidden = !folded;
    const listed = folded ? group.layers : look.layers;
    const names = listed.map((/** @type {Reply} */ one) => one.name), now = [groups.length, ...names, ...listed.map((/** @type {Reply} */ one) => one.output)].join();
    if (built !== now) {
      built = now;
      open = group.name;
      const had = strip.contains(focused());
      strip.replaceChildren(...(folded ? groups.map((one) => groupButton(one, one === group)) : []));
      if (had) /** @type {HTMLElement | null} */ (strip.querySelector("[aria-expanded=true]"))?.focus();
      shown.clear();
      painted = null;
      for (const one of listed) shown.set(one.name, makeColumn(one, names));
      columns.replaceChildren(...[...shown.values()].map((one) => one.part));
    }
    if (painted !== look || ordered !== order) for (const column of shown.values()) column.load();
    painted = look;
    ordered = order;
    for (const [name, column] of shown) column.mark(name === layer ? channel : -1, name === layer);
    const part = shown.get(layer)?.part;
    if (part) keepInSight(columns, part);
  }

  /** @param {{name: string, layers: Reply[]}} group @param {boolean} isOpen */
  function groupButton(group, isOpen) {
    const button = element("button", { type: "button", "aria-expanded": String(isOpen), tabindex: isOpen ? "0" : "-1" },
      element("b", {}, groupTitle(group)), element("small", {}, group.layers[group.layers.length - 1].output));
    button.addEventListener("click", () => { if (open !== group.name) openGroup(group.layers[0].name); });
    return button;
  }

  return { draw, focus: (/** @type {string} */ layer) => shown.get(layer)?.focus() };
}

/**
 * Scroll the columns sideways, and nothing else, until the chosen one is seen.
 * @param {HTMLElement} host
 * @param {HTMLElement} part
 */
function keepInSight(host, part) {
  const around = host.getBoundingClientRect(), box = part.getBoundingClientRect();
  if (box.left < around.left) host.scrollLeft -= around.left - box.left + 8;
  else if (box.right > around.right) host.scrollLeft += Math.min(box.right - around.right + 8, box.left - around.left);
}

/**
 * Black within white, which is seen on any colour.
 * @param {CanvasRenderingContext2D} surface
 * @param {() => void} stroke draws the line, once in each
 */
export function blackInWhite(surface, stroke) {
  for (const [wide, style] of /** @type {[number, string][]} */ ([[5, "#fff"], [2.5, "#000"]])) {
    surface.lineWidth = wide;
    surface.strokeStyle = style;
    stroke();
  }
}

/**
 * @param {CanvasRenderingContext2D} surface
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
export function outline(surface, x, y, width, height) {
  blackInWhite(surface, () => surface.strokeRect(x + 1, y + 1, width - 2, height - 2));
}
