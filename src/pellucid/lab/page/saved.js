// One file that opens offline: the room Inside, with the answers that were put into it.

import { asker } from "./ask.js";
import { fromStore } from "./hosts.js";
import { openInside } from "./inside.js";
import { byId } from "./stages.js";
import { read, write } from "./state.js";

export async function open() {
  const wrong = byId("wrong");
  const tell = (/** @type {unknown} */ error) => {
    wrong.hidden = error === null;
    wrong.textContent = error instanceof Error ? error.message : String(error ?? "");
  };
  document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  try {
    const store = JSON.parse(byId("answers").textContent ?? "");
    const room = await openInside({ root: byId("inside-room"), ask: asker(fromStore(store)), tell, save: (chosen) => write({ room: "inside", chosen }) });
    const said = read(location.hash.startsWith("#inside") ? location.hash : "#inside").chosen;
    await room.restore(Object.keys(said).length ? said : store.first);
  } catch (error) {
    tell(error);
  }
}
