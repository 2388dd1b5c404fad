// The room Filters: what is chosen, what is asked, and when. Drawing is the business of stages.js.

import { cellArithmetic, element, poolArithmetic } from "./arithmetic.js";
import { ask, onlyLatest } from "./ask.js";
import { shifted } from "./grid.js";
import { short } from "./numbers.js";
import { byId, makeStages } from "./stages.js";
import { gridOf, gridText } from "./state.js";
import { base64, listenForFiles, refusal } from "./upload.js";

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {import("./grid.js").Place} Place */

const CHOICES = ["size", "stride", "padding", "take", "pool", "window", "poolstep"];
const DEFAULTS = /** @type {Record<string, string>} */ ({ size: "3", stride: "1", padding: "valid", take: "mean",
  pool: "max", window: "2", poolstep: "1", filter: "loopy", example: "nine", cell: "map:0,0" });
const PAPER = -1;

/** @param {string} id */
const select = (id) => /** @type {HTMLSelectElement} */ (byId(id));

/**
 * @param {{tell: (error: unknown) => void, save: (chosen: Record<string, string>) => void}} page
 */
export async function openFilters({ tell, save }) {
  const lecture = await ask({ kind: "filters.start" });
  const given = { grid: /** @type {number[][]} */ ([]), own: /** @type {number[][][] | null} */ (null),
    kernel: /** @type {number[][][]} */ ([]), mine: /** @type {number[][][]} */ ([]), filter: "loopy", picture: [[[0]]],
    at: { stage: "map", row: 0, column: 0 }, done: Infinity, winners: /** @type {Place[]} */ ([]) };
  let reply = /** @type {Reply | null} */ (null);
  let timer = 0;
  let file = /** @type {File | null} */ (null);
  const latest = onlyLatest(), latestCell = onlyLatest(), latestPicture = onlyLatest();
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const draw = makeStages({ turn, weigh, choose, look });

  select("example").append(...lecture.examples.map((/** @type {Reply} */ one) => element("option", { value: one.name }, one.title)),
    element("option", { value: "drawn" }, "Your own drawing"), element("option", { value: "own" }, "Your own picture"));
  select("filter").append(...lecture.filters.map((/** @type {Reply} */ one) => element("option", { value: one.name }, one.title)),
    element("option", { value: "own" }, "Your own"));

  const number = (/** @type {string} */ id) => Number(select(id).value);
  const exampleOf = (/** @type {string} */ name) => lecture.examples.find((/** @type {Reply} */ one) => one.name === name);
  const copied = (/** @type {number[][]} */ grid) => grid.map((row) => [...row]);

  /** The weights of the chosen filter, a slice for each channel. */
  function kernelOf() {
    const channels = given.picture.length, size = select("size").value;
    const named = lecture.filters.find((/** @type {Reply} */ one) => one.name === given.filter);
    if (named) return Array.from({ length: channels }, () => copied(named.sizes[size]));
    if (given.mine.length !== channels || given.mine[0].length !== Number(size)) given.mine = resized(given.mine, channels, Number(size));
    return given.mine;
  }

  const question = () => ({ picture: given.picture, filter: given.kernel, stride: number("stride"), padding: select("padding").value,
    take: select("take").value, pool: select("pool").value, window: number("window"), step: number("poolstep") });

  function looks() {
    return { ...given, size: number("size"), stride: number("stride"), window: number("window"), poolstep: number("poolstep"),
      take: select("take").value };
  }

  async function update() {
    given.picture = given.own ?? [given.grid];
    given.kernel = kernelOf();
    const example = given.own ? "own" : lecture.examples.find((/** @type {Reply} */ one) => gridText(one.grid) === gridText(given.grid))?.name ?? "drawn";
    select("example").value = example;
    select("example").querySelectorAll("option").forEach((option) => {
      option.hidden = ["drawn", "own"].includes(option.value) && option.value !== example;
    });
    byId("own").hidden = !given.own;
    byId("shifts").hidden = byId("picture-help").hidden = Boolean(given.own);
    byId("kernel-help").textContent = given.filter === "own"
      ? "Space on a cell goes through -1, 0 and 1; + and - change it by 1." : "Click a cell to change it.";
    remember(example);
    try {
      const next = await latest(ask({ kind: "filters.map", ...question() }));
      if (!next) return;
      reply = next;
      tell(null);
      const map = given.at.stage === "map" ? next.map : next.pool.map;
      if (map[given.at.row]?.[given.at.column] === undefined) {
        given.at = { stage: "map", row: 0, column: 0 };
        remember(example);
      }
      await show();
    } catch (error) {
      halt();
      tell(error);
    }
  }

  /** Draw, and tell the chosen cell's arithmetic. */
  async function show() {
    if (!reply) return;
    const { stage, row, column } = given.at;
    const kind = stage === "map" ? "filters.cell" : "filters.pool";
    if (stage === "map") given.winners = [];
    draw(looks(), reply);
    const cell = await latestCell(ask({ kind, ...question(), cell: [row, column] }));
    if (!cell) return;
    given.winners = (cell.winners ?? []).map((/** @type {number[]} */ [down, right]) => ({ row: down, column: right }));
    if (stage === "pool") draw(looks(), reply);
    const name = stage === "map" ? "Feature map" : "Pooling";
    byId("cell-title").replaceChildren("One cell ", element("small", {}, `${name}, row ${row + 1}, column ${column + 1}`));
    const made = stage === "map" ? cellArithmetic(cell, select("take").value === "mean") : poolArithmetic(cell, select("pool").value === "max");
    byId("arithmetic").replaceChildren(...made);
    const exact = cell.fraction?.includes("/") ? `, exactly ${cell.fraction}` : "";
    const after = stage === "map" ? ` After ReLU: ${short(Math.max(cell.value, 0))}.` : "";
    byId("told").textContent = `${name}, row ${row + 1}, column ${column + 1}: ${short(cell.value)}${exact}.${after} ${cell.erratum ?? ""}`;
  }

  /** @param {string} example */
  function remember(example) {
    const chosen = Object.fromEntries(CHOICES.map((id) => [id, select(id).value === DEFAULTS[id] ? "" : select(id).value]));
    const { stage, row, column } = given.at;
    const cell = `${stage}:${row},${column}`;
    save({ example: ["nine", "drawn", "own"].includes(example) ? "" : example, picture: example === "drawn" ? gridText(given.grid) : "",
      filter: given.filter === "loopy" ? "" : given.filter,
      weights: given.filter === "own" ? given.kernel.map(gridText).join("/") : "", ...chosen, cell: cell === DEFAULTS.cell ? "" : cell });
  }

  /** @param {"map" | "pool"} stage @param {Place} at */
  function choose(stage, at) {
    given.at = { stage, ...at };
    if (stage === "map" && reply) {
      const columns = reply.map[0].length;
      given.done = Math.max(given.done, at.row * columns + at.column + 1);
    } else given.done = Infinity;
    remember(select("example").value);
    show().catch(tell);
  }

  /** On a large picture, the cell whose window begins nearest. @param {Place} at */
  function look(at) {
    if (!given.own || !reply) return;
    const half = Math.floor(number("size") / 2), step = number("stride");
    const near = (/** @type {number} */ value, /** @type {number} */ pad, /** @type {number} */ most) =>
      Math.min(Math.max(Math.round((value - half + pad) / step), 0), most - 1);
    choose("map", { row: near(at.row, reply.pads[0][0], reply.map.length), column: near(at.column, reply.pads[1][0], reply.map[0].length) });
  }

  /** @param {Place} at @param {string} key */
  function turn({ row, column }, key) {
    if (given.own || ["+", "-"].includes(key)) return;
    given.grid[row][column] = given.grid[row][column] > 0 ? PAPER : 1;
    update();
  }

  /** @param {number} channel @param {Place} at @param {string} key */
  function weigh(channel, { row, column }, key) {
    if (given.filter !== "own") given.mine = given.kernel.map(copied);
    const value = given.mine[channel][row][column];
    given.mine[channel][row][column] = key === "+" ? value + 1 : key === "-" ? value - 1 : value === 0 ? 1 : value > 0 ? -1 : 0;
    choosePattern("own");
    update();
  }

  /** @param {string} name */
  function choosePattern(name) {
    given.filter = select("filter").value = name;
  }

  function halt() {
    clearInterval(timer);
    timer = 0;
    byId("play").textContent = "Play";
    byId("told").setAttribute("aria-live", "polite");
  }

  /** The filter's next place; false where it was at the last one. */
  function step() {
    if (!reply) return false;
    const columns = reply.map[0].length, cells = reply.map.length * columns;
    const next = given.done >= cells ? 0 : given.done;
    given.done = next + 1;
    given.at = { stage: "map", row: Math.floor(next / columns), column: next % columns };
    remember(select("example").value);
    show().catch(tell);
    return given.done < cells;
  }

  function play() {
    clearInterval(timer);
    byId("play").textContent = "Pause";
    byId("told").setAttribute("aria-live", "off");
    timer = window.setInterval(() => { if (!step()) halt(); }, number("speed"));
  }

  async function takePicture() {
    if (!file) return;
    const why = refusal(file.size, lecture.largest_file);
    try {
      if (why) throw new Error(why);
      byId("file-told").textContent = `Reading ${file.name} ...`;
      const asked = { kind: "filters.picture", data: await base64(file), side: number("side"), colour: select("colour").value };
      const picture = await latestPicture(ask(asked));
      if (!picture) return;
      byId("file-told").textContent = `${file.name}, at ${picture.height}x${picture.width}. It stays on this machine.`;
      byId("file-told").className = "quiet";
      given.own = picture.picture;
      given.at = { stage: "map", row: 0, column: 0 };
      given.done = Infinity;
      await update();
    } catch (error) {
      byId("file-told").textContent = error instanceof Error ? error.message : String(error);
      byId("file-told").className = "wrong";
    }
  }

  function listen() {
    for (const id of CHOICES) select(id).addEventListener("change", () => { halt(); given.done = Infinity; update(); });
    select("filter").addEventListener("change", () => { choosePattern(select("filter").value); update(); });
    select("example").addEventListener("change", () => { begin(select("example").value); update(); });
    select("speed").addEventListener("change", () => { if (timer) play(); });
    for (const button of byId("shifts").querySelectorAll("button[data-shift]")) button.addEventListener("click", () => {
      const [down, right] = (/** @type {HTMLElement} */ (button).dataset.shift ?? "0,0").split(",").map(Number);
      given.grid = shifted(given.grid, down, right, PAPER);
      update();
    });
    byId("reset").addEventListener("click", () => { begin("nine"); update(); });
    byId("play").addEventListener("click", () => { if (timer) halt(); else { step(); play(); } });
    byId("step").addEventListener("click", () => { halt(); step(); });
    byId("all").addEventListener("click", () => { halt(); given.done = Infinity; show().catch(tell); });
    for (const id of ["colour", "side"]) select(id).addEventListener("change", takePicture);
    listenForFiles(/** @type {HTMLInputElement} */ (byId("file")), byId("drop"), (taken) => { file = taken; takePicture(); });
    const quieten = () => { halt(); /** @type {HTMLButtonElement} */ (byId("play")).disabled = still.matches; byId("still").hidden = !still.matches; };
    still.addEventListener("change", quieten);
    quieten();
  }

  /** @param {string} name of an example */
  function begin(name) {
    const example = exampleOf(name);
    if (!example) return;
    halt();
    given.own = file = null;
    given.grid = copied(example.grid);
    given.done = Infinity;
    const settings = { ...example.settings };
    if (settings.filter === "own") {
      given.mine = [copied(lecture.identity)];
      choosePattern("own");
    }
    for (const id of CHOICES) if (id in settings) select(id).value = String(settings[id]);
  }

  /** @param {Record<string, string>} chosen what an address says */
  function restore(chosen) {
    for (const id of CHOICES) {
      const wanted = chosen[id] ?? DEFAULTS[id];
      select(id).value = [...select(id).options].some((option) => option.value === wanted) ? wanted : DEFAULTS[id];
    }
    const names = lecture.filters.map((/** @type {Reply} */ one) => one.name);
    if (chosen.example || chosen.picture) given.own = file = null;
    given.grid = gridOf(chosen.picture, LARGEST_DRAWN) ?? copied((exampleOf(chosen.example ?? "nine") ?? exampleOf("nine")).grid);
    const mine = (chosen.weights ?? "").split("/").map((text) => gridOf(text, 5));
    given.mine = mine.every((slice) => slice !== null) ? /** @type {number[][][]} */ (mine) : [copied(lecture.identity)];
    choosePattern(names.includes(chosen.filter) || chosen.filter === "own" ? chosen.filter : "loopy");
    const at = /^(map|pool):(\d{1,2}),(\d{1,2})$/.exec(chosen.cell ?? DEFAULTS.cell);
    given.at = at ? { stage: at[1], row: Number(at[2]), column: Number(at[3]) } : { stage: "map", row: 0, column: 0 };
    given.done = Infinity;
    return update();
  }

  listen();
  return { restore, halt };
}

const LARGEST_DRAWN = 16;

/**
 * Slices of another size or number: what there was in the middle, 0 around it; a new slice is as the first.
 * @param {number[][][]} slices
 * @param {number} channels
 * @param {number} size
 */
export function resized(slices, channels, size) {
  const room = Math.trunc((size - (slices[0]?.length ?? size)) / 2);
  return Array.from({ length: channels }, (_, channel) => {
    const from = slices[channel] ?? slices[0] ?? [];
    return Array.from({ length: size }, (_row, row) =>
      Array.from({ length: size }, (_column, column) => from[row - room]?.[column - room] ?? 0));
  });
}
