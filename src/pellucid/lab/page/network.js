// The room Network: a text and its account, volumes to scale, dense against convolution.

import { element } from "./arithmetic.js";
import { ask, onlyLatest } from "./ask.js";
import { makeTest } from "./classtest.js";
import { byId } from "./stages.js";
import { drawVolumes } from "./volumes.js";

/** @typedef {import("./ask.js").Reply} Reply */

const FIRST = "digits-convnet";
const PAUSE = 120;
const DENSE = /** @type {Record<string, string>} */ ({ height: "1080", width: "1920", channels: "3", hidden: "4000000", filters: "32", size: "3" });

/**
 * What the address holds of a form: what is not as it began.
 * @param {Record<string, string>} values
 */
export const denseChosen = (values) =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value === DENSE[name] ? "" : value]));

/**
 * @param {{tell: (error: unknown) => void, save: (chosen: Record<string, string>) => void}} page
 */
export async function openNetwork({ tell, save }) {
  const known = await ask({ kind: "network.start" });
  const latest = onlyLatest(), latestDense = onlyLatest();
  const text = /** @type {HTMLTextAreaElement} */ (byId("text"));
  const named = /** @type {HTMLSelectElement} */ (byId("named"));
  const form = /** @type {HTMLFormElement} */ (byId("dense"));
  let timer = 0;
  let seed = "0";
  const test = makeTest({ tell, chosen: (next) => { seed = next; remember(); } });

  named.append(...known.networks.map((/** @type {Reply} */ one) => element("option", { value: one.name }, one.name)),
    element("option", { value: "" }, "your own"));
  byId("counted").textContent = known.counted;

  const byName = (/** @type {string} */ name) => known.networks.find((/** @type {Reply} */ one) => one.name === name);
  const inputs = () => /** @type {HTMLInputElement[]} */ ([...form.querySelectorAll("input")]);
  const denseValues = () => Object.fromEntries(inputs().map((one) => [one.name, one.value]));

  function remember() {
    const name = named.value;
    save({ network: name === FIRST ? "" : name, text: name ? "" : text.value, ...denseChosen(denseValues()), seed: seed === "0" ? "" : seed });
  }

  async function count() {
    const same = known.networks.find((/** @type {Reply} */ one) => one.text === text.value.trim());
    named.value = same?.name ?? "";
    byId("about").textContent = same ? `${same.about}. Source: ${same.source}.` : "";
    remember();
    try {
      const reply = await latest(ask({ kind: "network.table", text: text.value }));
      if (!reply) return;
      tell(null);
      byId("text-wrong").replaceChildren(...(reply.wrong ? complaint(reply.wrong) : []));
      text.setAttribute("aria-invalid", String(Boolean(reply.wrong)));
      byId("table").classList.toggle("stale", Boolean(reply.wrong));
      if (reply.wrong) return;
      byId("table").replaceChildren(...rows(reply));
      byId("notes").replaceChildren(...reply.notes.map((/** @type {string} */ note) => element("li", note.startsWith("Erratum") ? { class: "erratum" } : {}, note)));
      drawVolumes(byId("volumes"), byId("volumes-told"), reply);
    } catch (error) {
      tell(error);
    }
  }

  /** @param {Reply} wrong */
  function complaint(wrong) {
    const told = element("p", { class: "wrong" }, wrong.text);
    if (wrong.line === null) return [told];
    const button = element("button", { type: "button" }, `Go to line ${wrong.line}, column ${wrong.column}`);
    button.addEventListener("click", () => {
      const at = offsetOf(text.value, wrong.line, wrong.column);
      text.focus();
      text.setSelectionRange(at, wordEnd(text.value, at));
    });
    return [told, button];
  }

  async function compare() {
    remember();
    const values = Object.fromEntries(inputs().map((one) => [one.name, one.value === "" ? null : Number(one.value)]));
    try {
      const reply = await latestDense(ask({ kind: "network.dense", ...values }));
      if (reply) byId("dense-told").replaceChildren(...denseTold(reply));
    } catch (error) {
      byId("dense-told").replaceChildren(element("p", { class: "wrong" }, error instanceof Error ? error.message : String(error)));
    }
  }

  /** @param {() => void} work */
  const soon = (work) => { clearTimeout(timer); timer = window.setTimeout(work, PAUSE); };
  text.addEventListener("input", () => soon(count));
  named.addEventListener("change", () => { text.value = byName(named.value)?.text ?? text.value; count(); });
  form.addEventListener("input", () => soon(compare));
  form.addEventListener("submit", (event) => event.preventDefault());

  /** @param {Record<string, string>} chosen */
  async function restore(chosen) {
    text.value = chosen.text ?? (byName(chosen.network ?? FIRST) ?? byName(FIRST)).text;
    for (const one of inputs()) one.value = chosen[one.name] ?? DENSE[one.name];
    seed = /^\d{1,6}$/.test(chosen.seed ?? "") ? chosen.seed : "0";
    await Promise.all([count(), compare(), test.restore(Number(seed))]);
  }

  return { restore, halt: () => clearTimeout(timer) };
}

/**
 * Where a line and column, counted from 1, stand in a text.
 * @param {string} text
 * @param {number} line
 * @param {number} column
 */
export const offsetOf = (text, line, column) =>
  text.split("\n").slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;

/**
 * @param {string} text
 * @param {number} at
 */
export function wordEnd(text, at) {
  const word = /^[^\s;#]+/.exec(text.slice(at));
  return at + (word ? word[0].length : 0);
}

/** @param {Reply} reply */
function rows(reply) {
  const head = ["layer", "as text", "output", "counted as", "parameters", "multiply-adds", "sees"];
  const right = [false, false, false, false, true, true, true];
  const line = (/** @type {string[]} */ cells) => element("tr", {}, element("th", { scope: "row" }, cells[0]),
    ...cells.slice(1).map((cell, index) => element("td", right[index + 1] ? { class: "number" } : {}, cell)));
  return [
    element("thead", {}, element("tr", {}, ...head.map((name, index) =>
      element("th", { scope: "col", ...(right[index] ? { class: "number" } : {}) }, name)))),
    element("tbody", {}, line(["input", "", reply.input.output, "", "", "", ""]), ...reply.rows.map((/** @type {Reply} */ row) =>
      line([row.name, row.text, row.output, row.arithmetic, row.parameters, row.macs, row.sees]))),
    element("tfoot", {}, line(["total", "", "", `${reply.memory} in float32`, reply.parameters, reply.macs, ""])),
  ];
}

/** @param {Reply} reply */
function denseTold(reply) {
  const head = element("thead", {}, element("tr", {}, ...["", "a dense layer", "a convolution"].map((name) => element("th", { scope: "col" }, name || "of what"))));
  const names = /** @type {[string, string][]} */ ([["weights", "weights"], ["parameters", "with biases"], ["memory", "memory in float32"],
    ["macs", "multiply-adds"], ["output", "what comes out"]]);
  const body = names.map(([key, name]) => element("tr", {}, element("th", { scope: "row" }, name),
    element("td", {}, reply.dense[key]), element("td", {}, reply.conv[key])));
  const table = element("table", {}, head, element("tbody", {}, ...body));
  return [
    element("p", {}, `Inputs: ${reply.inputs}.`),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Dense against convolution, the figures" }, table),
    element("p", {}, `The dense layer has ${reply.times} times as many parameters.`),
    ...(reply.erratum ? [element("p", { class: "wrong" }, reply.erratum)] : []),
  ];
}
