// The class test: the posed network as a form, and Python's marks beside each answer.

import { element } from "./arithmetic.js";
import { ask, onlyLatest } from "./ask.js";
import { byId } from "./stages.js";

/** @typedef {import("./ask.js").Reply} Reply */

const LARGEST_SEED = 999_999;
const ASKED = /** @type {Record<string, string>} */ ({ shape: "What comes out", parameters: "Parameters", activation: "Activation" });

/**
 * The sentence for a mark.
 * @param {Reply} mark
 */
export function markTold({ mark, right, why }) {
  if (mark === "right") return "Right.";
  if (mark === "missing") return "";
  return `Not so: ${right}. ${why}`;
}

/**
 * @param {{tell: (error: unknown) => void, chosen: (seed: string) => void}} page
 */
export function makeTest({ tell, chosen }) {
  const form = /** @type {HTMLFormElement} */ (byId("test"));
  const latest = onlyLatest();
  let seed = -1;

  /** @param {string} name @param {string} field @param {string} label */
  function field(name, field, label) {
    const id = `test-${name}`;
    const input = field === "activation"
      ? element("select", { id, name }, ...[["", "?"], ["relu", "ReLU"], ["softmax", "softmax"], ["none", "none"]].map(([value, text]) => element("option", { value }, text)))
      : element("input", { id, name, autocomplete: "off", maxlength: "40", ...(field === "shape" ? { placeholder: "4x4x1 or 10" } : { inputmode: "numeric" }) });
    input.setAttribute("aria-describedby", `${id}-mark`);
    return [element("label", { for: id }, label), input, element("span", { class: "mark", id: `${id}-mark` })];
  }

  /** @param {number} next */
  async function pose(next) {
    const posed = await latest(ask({ kind: "test.pose", seed: next }));
    if (!posed) return;
    seed = next;
    chosen(String(seed));
    byId("test-seed").textContent = seed === 0 ? "" : `Network ${seed}: this page's address brings it back.`;
    byId("test-told").textContent = "";
    const rows = posed.layers.map((/** @type {Reply} */ layer, /** @type {number} */ index) => element("tr", {},
      element("td", {}, layer.told, element("br"), element("small", { class: "quiet" }, layer.name)),
      ...Object.keys(ASKED).map((name) => element("td", {}, ...(layer.asks.includes(name) ? field(`${index}.${name}`, name, ASKED[name]) : [])))));
    form.replaceChildren(element("p", {}, posed.input + "."), element("table", {}, element("tbody", {}, ...rows)),
      element("div", {}, ...field("total", "parameters", "All parameters together")),
      element("div", { class: "buttons" }, element("button", { type: "submit" }, "Mark my answers")));
  }

  async function mark() {
    const answers = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]));
    const reply = await ask({ kind: "test.mark", seed, answers });
    for (const [name, one] of Object.entries(reply.marks)) {
      const place = byId(`test-${name}-mark`);
      place.textContent = markTold(one);
      place.className = `mark ${one.mark}`;
      byId(`test-${name}`).setAttribute("aria-invalid", String(one.mark === "wrong"));
    }
    byId("test-told").textContent = `${reply.right} of ${reply.of} right.`;
  }

  form.addEventListener("submit", (event) => { event.preventDefault(); mark().catch(tell); });
  byId("another").addEventListener("click", () => pose(1 + Math.floor(Math.random() * LARGEST_SEED)).catch(tell));
  byId("lectures").addEventListener("click", () => pose(0).catch(tell));
  // A form that somebody fills in stays as it is.
  return { restore: async (/** @type {number} */ next) => { if (next !== seed) await pose(next); } };
}
