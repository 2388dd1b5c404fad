// The room Run: which run and cell are chosen, what is asked, and when it is asked again. Others draw.

import { askAnew } from "./anew.js";
import { element } from "./arithmetic.js";
import { onlyLatest } from "./ask.js";
import { curvesTold, ladderTold } from "./runcurves.js";
import { makeMatrix } from "./runmatrix.js";
import { wallOf } from "./runpictures.js";
import { buildRun, table } from "./runroom.js";

/** @typedef {import("./ask.js").Reply} Reply */
/** @typedef {import("./grid.js").Place} Place */

const PAUSE = 1000;

/**
 * The cell of a matrix as an address has it; null where it is none.
 * @param {string | undefined} text
 * @returns {Place | null}
 */
export function cellOf(text) {
  const found = /^(\d{1,4}),(\d{1,4})$/.exec(text ?? "");
  return found ? { row: Number(found[1]), column: Number(found[2]) } : null;
}

/**
 * @param {{root: HTMLElement, tell: (error: unknown) => void, save: (chosen: Record<string, string>) => void}} page
 */
export async function openRun({ root, tell, save }) {
  const room = buildRun(root);
  const given = { run: "", first: "", cell: /** @type {Place | null} */ (null), open: false };
  let shown = /** @type {Reply | null} */ (null);
  let timer = 0;
  const latest = onlyLatest(), latestCell = onlyLatest(), latestWorst = onlyLatest();
  const drawMatrix = makeMatrix(room.matrix, { open: (at) => { openCell(at, true).catch(tell); } });
  const failed = (/** @type {unknown} */ error) => { tell(error); later(); };
  const told = (/** @type {string} */ text) => element("p", {}, text);

  function remember() {
    save({ run: given.run === given.first ? "" : given.run, cell: given.cell ? `${given.cell.row},${given.cell.column}` : "" });
  }

  /** Ask for the list of runs; where there is none, say how one is made. */
  async function list() {
    const start = await askAnew({ kind: "runs.start" });
    given.first = start.runs[0]?.name ?? "";
    room.chooser.replaceChildren(...start.runs.map((/** @type {Reply} */ one) =>
      element("option", { value: one.name }, one.under_way ? `${one.title}: under way` : one.title)));
    room.empty.replaceChildren(...(start.runs.length ? [] : [told(`There is no run below ${start.folder} yet. A network of one's own learns digits in a minute or two; type in another terminal, in that folder:`),
      element("p", { class: "formula" }, start.command), told("It appears here as soon as it begins, and its curves grow as it learns.")]));
    room.choosing.hidden = !start.runs.length;
    return start.runs.map((/** @type {Reply} */ one) => one.name);
  }

  async function show() {
    for (const one of Object.values(room.parts)) one.hidden = true;
    room.damage.replaceChildren();
    shown = null;
    remember();
    if (!given.run) return later();
    const reply = await latest(askAnew({ kind: "runs.show", run: given.run }));
    if (!reply) return;
    tell(null);
    shown = reply;
    room.learning.textContent = reply.under_way ? "How it learns" : "How it learnt";
    room.chooser.value = given.run;
    root.dataset.shown = given.run;
    if (reply.under_way) return drawUnderWay(reply);
    room.damage.replaceChildren(...reply.damage.map((/** @type {string} */ one) => element("p", { class: "wrong" }, one)));
    room.live.replaceChildren();
    fill("figures", reply.test && reply.stages, () => {
      room.answer.replaceChildren(element("strong", {}, reply.test.told), ` right: ${reply.test.right}. 95 % interval: ${reply.test.span}.`);
      room.ladder.replaceChildren(ladderTold(reply.stages));
    });
    fill("curves", reply.curves ?? reply.ladder ?? reply.tried, () => {
      room.curves.replaceChildren(...(reply.curves ? curvesTold(reply.curves) : []));
      room.course.replaceChildren(...(reply.curves ? [...reply.curves.course, reply.curves.stopped].filter(Boolean).map(told) : []));
      room.tried.replaceChildren(...(reply.ladder ? [table("Steps of fine-tuning, judged on the validation pictures", ["step", "outcome", "why"], reply.ladder)] : []), ...(reply.tried ? [told(reply.tried.why), table("Strengths of regularisation that were tried on the validation pictures", ["strength", "log loss", "right", ""],
        reply.tried.steps.map((/** @type {Reply} */ one) => [one.strength, one.told, one.right, one.chosen ? "chosen" : ""]), [1, 2])] : []));
    });
    fill("matrix", reply.confusion, () => drawMatrix(reply.confusion, given.cell));
    fill("calibration", reply.calibration, () => room.calibration.replaceChildren(told(reply.calibration.told),
      element("details", {}, element("summary", {}, "Why?"), told(reply.calibration.more), table("Answers by their confidence", ["said to be sure", "were right", "answers"],
        reply.calibration.bins.map((/** @type {Reply} */ one) => one.told), [0, 1, 2]))));
    fill("head", reply.head, () => room.head.replaceChildren(table("The run", [], reply.head)));
    const classes = reply.confusion?.classes.length ?? 0;
    if (given.cell && Math.max(given.cell.row, given.cell.column) >= classes) given.cell = null;
    remember();
    await Promise.all([showWorst(reply), given.cell ? openCell(given.cell, false) : null]);
    later();
  }

  /** @param {keyof typeof room.parts} name @param {unknown} there @param {() => void} draw */
  function fill(name, there, draw) {
    room.parts[name].hidden = !there;
    if (there) draw();
  }

  /** @param {Reply} reply */
  async function showWorst(reply) {
    if (!reply.worst) return;
    const { total, rows } = reply.worst;
    room.worstTitle.textContent = total > rows.length ? `The worst ${rows.length} of ${total} mistakes` : "Worst mistakes";
    room.parts.worst.hidden = false;
    if (!total) return room.worst.replaceChildren(told("It made none on its test pictures."));
    const found = await latestWorst(askAnew({ kind: "runs.pictures", run: reply.run, rows }));
    if (found) room.worst.replaceChildren(told("Wrong answers, the surest first. A sure mistake may be a wrong label."), await wallOf(found, reply.network));
  }

  /** @param {Place} at @param {boolean} go whether one asked for it, and is led there */
  async function openCell(at, go, start = 0) {
    if (!shown) return;
    given.cell = at;
    remember();
    drawMatrix(shown.confusion, at);
    const asked = { kind: "runs.cell", run: shown.run, truth: at.row, said: at.column, start };
    const found = await latestCell(askAnew(asked));
    if (!found) return;
    const many = `${found.total} ${found.total === 1 ? "picture" : "pictures"}`;
    room.openedTitle.textContent = `${found.truth} taken for ${found.said}: ${many}`;
    const wall = await wallOf(found, shown.network);
    const before = start ? [...room.opened.querySelectorAll(":scope > ul")] : [];
    const left = found.total - start - found.pictures.length;
    const more = element("button", { type: "button" }, `Show more (${left} left)`);
    more.addEventListener("click", () => { openCell(at, false, start + found.pictures.length).catch(tell); });
    room.opened.replaceChildren(...before, wall, ...(left > 0 ? [more] : []));
    room.parts.opened.hidden = false;
    if (go) room.openedTitle.focus();
  }

  /** @param {Reply} reply */
  function drawUnderWay(reply) {
    room.parts.curves.hidden = false;
    room.live.replaceChildren(...reply.told.map(told));
    room.curves.replaceChildren(...curvesTold(reply.curves));
    room.course.replaceChildren();
    room.tried.replaceChildren();
    later();
  }

  /** Look again after a while, as long as something may come: a training under way, or a first run. */
  function later() {
    clearTimeout(timer);
    if (given.open && (!given.run || shown?.under_way)) timer = window.setTimeout(() => { again().catch(failed); }, PAUSE);
  }

  async function again() {
    if (document.hidden) return;  // visibilitychange goes on
    if (!given.run) {
      const names = await list();
      if (names.length) await choose(names[0]);
      else later();
      return;
    }
    const reply = await latest(askAnew({ kind: "runs.watch", run: given.run }));
    if (!reply) return;
    tell(null);
    if (reply.under_way) {
      if (JSON.stringify(reply.curves) === JSON.stringify(shown?.curves) && JSON.stringify(reply.told) === JSON.stringify(shown?.told)) return later();
      shown = reply;
      return drawUnderWay(reply);
    }
    const names = await list();
    if (reply.gone) room.live.replaceChildren(told("The training is gone: its folder was deleted."));
    else await choose(names.includes(reply.run) ? reply.run : names[0] ?? "");
  }

  /** @param {string} name */
  function choose(name) {
    given.run = name;
    given.cell = null;
    return show();
  }

  room.chooser.addEventListener("change", () => { choose(room.chooser.value).catch(failed); });
  room.again.addEventListener("click", () => { list().then(() => { room.chooser.value = given.run; return show(); }).catch(failed); });
  document.addEventListener("visibilitychange", () => { if (!document.hidden && given.open) { clearTimeout(timer); if (!given.run || shown?.under_way) again().catch(failed); } });

  /** @param {Record<string, string>} chosen what an address says */
  async function restore(chosen) {
    given.open = true;
    const names = await list();
    given.cell = cellOf(chosen.cell);
    given.run = chosen.run ?? names[0] ?? "";
    if (given.run && !names.includes(given.run)) room.chooser.append(element("option", { value: given.run }, given.run));
    try {
      await show();
    } catch (error) {
      root.dataset.shown = "";
      room.chooser.value = given.run;
      tell(error);
    }
  }

  return { restore, halt: () => { given.open = false; clearTimeout(timer); } };
}
