// The page itself: which room is open, light or dark, and what went wrong. The rooms do the rest.

import { ask } from "./ask.js";
import { openFilters } from "./filters.js";
import { openInside } from "./inside.js";
import { openNetwork } from "./network.js";
import { openRun } from "./run.js";
import { byId } from "./stages.js";
import { read, ROOMS, write } from "./state.js";
import { openViews } from "./views.js";

const openers = /** @type {Record<string, typeof openFilters>} */ ({ filters: openFilters, network: openNetwork,
  inside: (page) => openInside({ ...page, ask, root: byId("inside-room") }),
  views: (page) => openViews({ ...page, root: byId("views-room") }),
  run: (page) => openRun({ ...page, root: byId("run-room") }) });
/** @type {Record<string, ReturnType<typeof openFilters>>} */
const rooms = {};
/** What the address of each room said last, so that going back to it finds it as it was. */
const last = /** @type {Record<string, Record<string, string>>} */ ({});

/** @param {unknown} error null where all is well again */
function tell(error) {
  const place = byId("wrong");
  place.hidden = error === null;
  place.textContent = error instanceof Error ? error.message : String(error ?? "");
}

async function enter() {
  const { room, chosen } = read(location.hash);
  for (const name of ROOMS) byId(name).hidden = name !== room;
  for (const link of document.querySelectorAll("nav a")) {
    if (/** @type {HTMLElement} */ (link).dataset.room === room) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  tell(null);
  document.title = `Pellucid: ${byId(`${room}-title`).textContent}`;
  try {
    for (const name of Object.keys(rooms)) if (name !== room) (await rooms[name]).halt();
    const save = (/** @type {Record<string, string>} */ now) => {
      last[room] = now;
      if (read(location.hash).room === room) write({ room, chosen: now });
    };
    rooms[room] ??= openers[room]({ tell, save });
    const bare = Object.keys(chosen).length === 0 && last[room] !== undefined;
    await (await rooms[room]).restore(bare ? last[room] : chosen);
    byId(room).dataset.ready = "yes";
  } catch (error) {
    delete rooms[room];
    tell(error);
  }
}

/** @param {string} theme */
function dress(theme) {
  document.documentElement.dataset.theme = theme;
  byId("theme").textContent = theme === "dark" ? "Light" : "Dark";
  byId("theme").setAttribute("aria-label", `Change to ${theme === "dark" ? "light" : "dark"} colours`);
}

const remembered = (() => { try { return localStorage.getItem("theme"); } catch { return null; } })();
dress(remembered ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
byId("theme").addEventListener("click", () => {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  dress(theme);
  try { localStorage.setItem("theme", theme); } catch { /* then it lasts as long as the page */ }
});
byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("main").focus(); });
// A picture dropped beside its place must not replace the page.
for (const name of ["dragover", "drop"]) document.addEventListener(name, (event) => event.preventDefault());
addEventListener("hashchange", enter);
enter();
