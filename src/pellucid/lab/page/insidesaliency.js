// Where the picture speaks for a class: the method and the class to choose, a slider, and the channels that count most.

import { element } from "./arithmetic.js";
import { firstName } from "./insideanswer.js";
import { number } from "./insidecell.js";

/** @typedef {import("./ask.js").Reply} Reply */

const METHODS = [["", "off"], ["grad-cam", "Grad-CAM"], ["layer-cam", "LayerCAM"], ["occlusion", "occlusion: parts covered"], ["integrated-gradients", "integrated gradients"]];
/** Those whose map grows over seconds, and what is counted. @type {Record<string, string>} */
const SLOW = { occlusion: "squares covered", "integrated-gradients": "steps of the path gone" };

/**
 * How long it will take yet, by what it took so far.
 * @param {number} done
 * @param {number} total
 * @param {number} passed milliseconds
 */
export function timeLeft(done, total, passed) {
  if (!done) return "";
  const seconds = Math.ceil((passed / done) * (total - done) / 1000);
  return `, about ${seconds} s left`;
}

/**
 * The method, the class and the strength as an address has them; what is wrong is left out.
 * @param {Record<string, string>} said
 */
export function saliencyOf(said) {
  const method = METHODS.some(([name]) => name === said.saliency) ? said.saliency : "";
  const part = /^\d{1,3}$/.test(said.over ?? "") ? Math.min(Number(said.over), 100) : 70;
  return { method, unit: /^\d{1,5}$/.test(said.for ?? "") ? Number(said.for) : null, part };
}

/**
 * @param {HTMLElement} host
 * @param {{ask: (question: Record<string, unknown>) => Promise<Reply>, draw: (over: {bitmap: ImageBitmap, part: number} | null) => void,
 *   open: (layer: string, channel: number) => void, remember: () => void, tell: (error: unknown) => void}} options
 */
export function makeSaliency(host, { ask, draw, open, remember, tell }) {
  const method = /** @type {HTMLSelectElement} */ (element("select")), target = /** @type {HTMLSelectElement} */ (element("select"));
  const slider = /** @type {HTMLInputElement} */ (element("input", { type: "range", min: "0", max: "100", step: "5" }));
  const told = element("div", { "aria-live": "polite" }), bar = element("progress", { "aria-label": "How much of the map is worked out" }), way = element("p", { class: "quiet" }), options = element("div");
  let chosen = saliencyOf({});
  /** @type {ImageBitmap | null} */
  let bitmap = null;
  let round = 0;
  method.append(...METHODS.map(([value, title]) => element("option", { value }, title)));
  options.append(element("label", {}, "For ", target), element("label", {}, "Over the picture ", slider), bar, way, told);
  host.replaceChildren(element("label", {}, "Saliency ", method), options);
  options.hidden = bar.hidden = true;

  const show = () => draw(bitmap && chosen.method ? { bitmap, part: chosen.part / 100 } : null);

  async function update() {
    const mine = ++round;
    options.hidden = !chosen.method;
    method.value = chosen.method;
    slider.value = String(chosen.part);
    bitmap = null;
    bar.hidden = true;
    way.textContent = "";
    if (!chosen.method) { show(); return; }
    const waiting = setTimeout(() => { told.textContent = "Working it out ..."; }, 200);
    try {
      await grow(mine);
    } catch (error) {
      if (mine === round) told.replaceChildren(element("p", { class: "wrong" }, error instanceof Error ? error.message : String(error)));
    } finally {
      clearTimeout(waiting);
      if (mine === round) { bar.hidden = true; way.textContent = ""; }
    }
    if (mine === round) show();
  }

  /** Ask for the map; for one that takes seconds part by part, each drawn as it comes. @param {number} mine */
  async function grow(mine) {
    const question = { kind: "saliency", method: chosen.method, unit: chosen.unit }, unit = SLOW[chosen.method], begun = performance.now();
    let upto = 1;
    for (;;) {
      const reply = await ask(unit ? { ...question, upto } : question);
      const made = await createImageBitmap(new Blob([reply.over], { type: "image/png" }));
      if (mine !== round) return;
      bitmap = made;
      if (reply.done >= reply.total) { told.replaceChildren(...words(reply)); return; }
      told.replaceChildren();
      bar.hidden = false;
      Object.assign(bar, { max: reply.total, value: reply.done });
      way.textContent = `${reply.done} of ${reply.total} ${unit}${timeLeft(reply.done, reply.total, performance.now() - begun)}`;
      show();
      upto = reply.done + 1;
    }
  }

  /** @param {Reply} reply */
  function words(reply) {
    const list = reply.weights.map((/** @type {Reply} */ one) => {
      const button = element("button", { type: "button", class: "link" }, `channel ${one.channel}`);
      button.addEventListener("click", () => open(reply.layer, one.channel));
      return element("tr", {}, element("th", { scope: "row" }, button), number(one.weight, "td"));
    });
    return [element("p", { class: "quiet" }, reply.scale ? `Orange is what speaks for ${firstName(reply.name)} in ${reply.layer ?? "the picture"}; full orange is ` : `Nothing in ${reply.layer ?? "the picture"} speaks for ${firstName(reply.name)}.`,
      ...(reply.scale ? [number(reply.scale)] : [])),
      ...(list.length ? [element("table", {}, element("caption", {}, `Channels of ${reply.layer} by their weight`), element("tbody", {}, ...list))] : []),
      ...reply.notes.map((/** @type {string} */ note) => element("p", { class: "quiet" }, note))];
  }

  method.addEventListener("change", () => { chosen.method = method.value; remember(); update().catch(tell); });
  target.addEventListener("change", () => { chosen.unit = target.value === "" ? null : Number(target.value); remember(); update().catch(tell); });
  slider.addEventListener("input", () => { chosen.part = Number(slider.value); show(); });
  slider.addEventListener("change", remember);

  return {
    /** What an address says. @param {Record<string, string>} said */
    restore: (said) => { chosen = saliencyOf(said); },
    /** Another picture or network has answered. @param {Reply} look */
    answered: (look) => {
      const best = look.answer.best;
      host.hidden = !best.length;
      target.replaceChildren(element("option", { value: "" }, "what is answered"), ...best.map((/** @type {Reply} */ one) =>
        element("option", { value: String(one.unit) }, look.answer.named ? firstName(one.name) : `class ${one.name}`)));
      if (chosen.unit !== null && chosen.unit >= look.answer.classes) chosen.unit = null;
      if (chosen.unit !== null && !best.some((/** @type {Reply} */ one) => one.unit === chosen.unit)) target.append(element("option", { value: String(chosen.unit) }, `class ${chosen.unit}`));
      target.value = chosen.unit === null ? "" : String(chosen.unit);
      return update();
    },
    /** What an address holds. */
    said: () => ({ saliency: chosen.method, for: chosen.method && chosen.unit !== null ? String(chosen.unit) : "", over: chosen.method && chosen.part !== 70 ? String(chosen.part) : "" }),
  };
}
