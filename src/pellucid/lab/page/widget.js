// The room Inside in a notebook's cell. Its style and its questions come from pellucid.explore.

import { element } from "./arithmetic.js";
import { asker } from "./ask.js";
import { overMessages } from "./hosts.js";
import { openInside } from "./inside.js";

/** @typedef {import("./hosts.js").Model & {get: (name: string) => any, set: (name: string, value: unknown) => void, save_changes: () => void}} Widget */

/** Whether the notebook is dark: what JupyterLab says, or else the system. */
const isDark = () => document.body.dataset.jpThemeLight === "false"
  || (document.body.dataset.jpThemeLight === undefined && matchMedia("(prefers-color-scheme: dark)").matches);

/**
 * @param {{model: Widget, el: HTMLElement}} cell
 */
export function render({ model, el }) {
  const shadow = el.attachShadow({ mode: "open" });
  const style = element("style"), wrong = element("p", { class: "wrong", role: "alert" }), root = element("div");
  style.textContent = model.get("style");
  el.dataset.theme = isDark() ? "dark" : "light";
  wrong.hidden = true;
  shadow.append(style, wrong, root);
  const tell = (/** @type {unknown} */ error) => {
    wrong.hidden = error === null;
    wrong.textContent = error instanceof Error ? error.message : String(error ?? "");
  };
  const save = (/** @type {Record<string, string>} */ chosen) => { model.set("chosen", chosen); model.save_changes(); };
  const opened = openInside({ root, ask: asker(overMessages(model)), tell, save });
  opened.then((room) => room.restore(model.get("chosen"))).catch(tell);
  return () => { opened.then((room) => room.halt()).catch(() => undefined); };
}
