// The room Views: which picture, plan, seed and view are chosen, what is asked, and when. Others draw.

import { askAnew } from "./anew.js";
import { element } from "./arithmetic.js";
import { ask, hurried, inTurn } from "./ask.js";
import { fillSelect } from "./insideroom.js";
import { offsetOf, wordEnd } from "./network.js";
import { bitmapOf, tileCanvas } from "./tiles.js";
import { base64, listenForFiles, refusal } from "./upload.js";
import { makePlan } from "./viewsplan.js";
import { buildViews } from "./viewsroom.js";
import { makeWall, mark, opened } from "./viewswall.js";

/** @typedef {import("./ask.js").Reply} Reply */

const PAUSE = 150, SIDE = 224;

/**
 * @param {{root: HTMLElement, tell: (error: unknown) => void, save: (chosen: Record<string, string>) => void}} page
 */
export async function openViews({ root, tell, save }) {
  const room = buildViews(root);
  const start = await ask({ kind: "views.start" });
  const given = { picture: start.picture, own: /** @type {File | null} */ (null), text: "", seed: 0, view: 0 };
  const seen = { reply: /** @type {Reply | null} */ (null), bitmap: /** @type {ImageBitmap | null} */ (null) };
  let timer = 0;
  const presetOf = (/** @type {string} */ name) => start.presets.find((/** @type {Reply} */ one) => one.name === name);
  const presetText = (/** @type {string} */ name) => (presetOf(name) ?? presetOf(start.preset)).text;
  const drawWall = makeWall(room.wall, { choose });
  const drawPlan = makePlan(room.steps, { change: (one) => { edit(one).catch(tell); },
    about: (name) => start.kinds.find((/** @type {Reply} */ one) => one.name === name)?.about ?? "" });

  fillSelect(room.picture, start.examples);
  const own = element("option", { value: "" }, "Your own picture");
  own.hidden = true;
  room.picture.prepend(own);
  fillSelect(room.kind, start.kinds.map((/** @type {Reply} */ one) => ({ name: one.name, title: one.name, group: one.group })));
  room.preset.append(...start.presets.map((/** @type {Reply} */ one) => element("option", { value: one.name }, one.name)), element("option", { value: "" }, "your own"));
  room.fill.append(...start.fills.map((/** @type {string} */ one) => element("option", { value: one }, one)));
  room.seed.max = String(start.largest_seed);

  function remember() {
    const preset = start.presets.find((/** @type {Reply} */ one) => one.text === given.text)?.name ?? "";
    room.preset.value = preset;
    save({ picture: given.own || given.picture === start.picture ? "" : given.picture, preset: preset === start.preset ? "" : preset,
      plan: preset ? "" : given.text, seed: given.seed ? String(given.seed) : "", view: given.view ? String(given.view + 1) : "" });
  }

  const show = hurried(async () => {
    remember();
    const question = { kind: "views.make", picture: given.picture, text: given.text, seed: given.seed };
    const reply = await askAnew(question).catch(async (error) => {
      if (!error.forgotten || !given.own) throw error;
      given.picture = (await askAnew({ kind: "inside.give", data: await base64(given.own) })).picture;
      return askAnew({ ...question, picture: given.picture });
    });
    tell(null);
    room.wrong.replaceChildren(...(reply.wrong ? complaint(reply.wrong) : []));
    room.text.setAttribute("aria-invalid", String(Boolean(reply.wrong)));
    room.wall.classList.toggle("stale", Boolean(reply.wrong));
    if (reply.wrong) return;
    seen.reply = reply;
    seen.bitmap = await bitmapOf(reply.tiles);
    if (document.activeElement !== room.text) room.text.value = given.text;
    room.original.replaceChildren(tileCanvas(seen.bitmap, reply.sheet, 0, SIDE));
    room.size.textContent = `${reply.height}x${reply.width}: ${Math.max(reply.height, reply.width) < start.side ? "its own size" : "as the usual networks take it"}`;
    room.command.textContent = reply.command;
    room.train.replaceChildren(...(reply.refused ? [reply.refused] : ["Learn from such views: ", room.command]));
    drawPlan(reply.steps);
    room.fill.value = reply.fill;
    given.view = Math.min(given.view, reply.views.length - 1);
    drawWall(reply, seen.bitmap, given.view);
    open();
    root.dataset.shown = JSON.stringify([given.picture, given.text, given.seed]);
  });

  function open() {
    if (!seen.reply || !seen.bitmap) return;
    const view = seen.reply.views[given.view];
    room.title.textContent = `One view: ${view.number + 1}`;
    room.told.textContent = `Drawn: ${view.said}.`;
    room.one.replaceChildren(...opened(seen.reply, seen.bitmap, given.view));
  }

  /** @param {number} view */
  function choose(view) {
    given.view = view;
    mark(room.wall, view);
    remember();
    open();
  }

  /** @param {Reply} wrong */
  function complaint(wrong) {
    const told = element("p", { class: "wrong" }, wrong.text);
    if (wrong.line === null) return [told];
    const button = element("button", { type: "button" }, `Go to line ${wrong.line}, column ${wrong.column}`);
    button.addEventListener("click", () => {
      const at = offsetOf(room.text.value, wrong.line, wrong.column);
      room.text.focus();
      room.text.setSelectionRange(at, wordEnd(room.text.value, at));
    });
    return [told, button];
  }

  /** One change of the plan by its controls; what is refused stands at the plan, which stays as it was. */
  async function edited(/** @type {Record<string, any>} */ { from, ...change }) {
    let reply;
    try {
      reply = await askAnew({ kind: "views.edit", text: given.text, ...change });
    } catch (error) {
      from?.setAttribute("aria-invalid", "true");
      room.wrong.replaceChildren(element("p", { class: "wrong" }, error instanceof Error ? error.message : String(error)));
      return;
    }
    given.text = room.text.value = reply.text;
    await show();
  }
  const turn = inTurn();
  // A slider goes through many values, of which the last counts; of clicks each one does.
  const set = hurried((/** @type {Record<string, any>} */ change) => turn(() => edited(change)));
  const edit = (/** @type {Record<string, any>} */ change) => (change.change === "set" ? set(change) : turn(() => edited(change)));

  async function takePicture(/** @type {File} */ file) {
    const why = refusal(file.size, start.largest_file);
    try {
      if (why) throw new Error(why);
      room.fileTold.textContent = `Reading ${file.name} ...`;
      given.picture = (await askAnew({ kind: "inside.give", data: await base64(file) })).picture;
      given.own = file;
      own.hidden = false;
      room.picture.value = "";
      room.fileTold.textContent = `${file.name}. It stays on this machine.`;
      room.fileTold.className = "quiet";
      await show();
    } catch (error) {
      room.fileTold.textContent = error instanceof Error ? error.message : String(error);
      room.fileTold.className = "wrong";
    }
  }

  const trying = () => { show().catch(tell); };
  const sow = (/** @type {number} */ seed) => { given.seed = seed; room.seed.value = String(seed); trying(); };
  room.picture.addEventListener("change", () => { if (room.picture.value) { given.picture = room.picture.value; given.own = null; own.hidden = true; trying(); } });
  room.preset.addEventListener("change", () => { if (presetOf(room.preset.value)) { given.text = room.text.value = presetText(room.preset.value); trying(); } });
  room.text.addEventListener("input", () => { clearTimeout(timer); timer = window.setTimeout(() => { given.text = room.text.value.trim(); trying(); }, PAUSE); });
  room.add.addEventListener("click", () => { edit({ change: "add", name: room.kind.value }).catch(tell); });
  room.fill.addEventListener("change", () => { edit({ change: "fill", name: room.fill.value }).catch(tell); });
  room.another.addEventListener("click", () => sow((given.seed + 1) % (start.largest_seed + 1)));
  room.seed.addEventListener("change", () => sow(seedOf(room.seed.value, start.largest_seed)));
  listenForFiles(room.file, room.drop, takePicture);

  /** @param {Record<string, string>} chosen what an address says */
  async function restore(chosen) {
    const known = start.examples.some((/** @type {Reply} */ one) => one.name === chosen.picture);
    if (!given.own || known) {
      given.picture = known ? chosen.picture : start.picture;
      given.own = null;
      own.hidden = true;
      room.picture.value = given.picture;
    }
    given.text = room.text.value = chosen.plan ?? presetText(chosen.preset ?? start.preset);
    given.seed = seedOf(chosen.seed ?? "", start.largest_seed);
    room.seed.value = String(given.seed);
    given.view = /^[1-9]\d?$/.test(chosen.view ?? "") ? Math.min(Number(chosen.view), start.views) - 1 : 0;
    await show();
  }

  return { restore, halt: () => clearTimeout(timer) };
}

/**
 * A seed as an address or a person writes it; 0 where it is none.
 * @param {string} text
 * @param {number} largest
 */
export const seedOf = (text, largest) => (/^\d{1,10}$/.test(text) && Number(text) <= largest ? Number(text) : 0);
