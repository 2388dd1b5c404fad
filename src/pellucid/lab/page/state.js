// What the address bar says: which room is open, and what is chosen in it. An address can be shared.

/** @typedef {{room: string, chosen: Record<string, string>}} State */

export const ROOMS = ["filters", "network", "inside", "views", "run"];

/**
 * @param {string} hash such as "#filters?filter=loopy&cell=0,1"
 * @returns {State}
 */
export function read(hash) {
  const [name, query = ""] = splitOnce(hash.replace(/^#/, ""), "?");
  const room = ROOMS.includes(name) ? name : ROOMS[0];
  return { room, chosen: Object.fromEntries(new URLSearchParams(query)) };
}

/**
 * @param {State} state what is empty is left out
 */
export function written({ room, chosen }) {
  const query = new URLSearchParams(Object.entries(chosen).filter(([, value]) => value !== ""));
  // Commas and colons may stand as they are, which keeps an address readable.
  const text = query.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
  return `#${room}${text ? `?${text}` : ""}`;
}

/** @param {State} state */
export function write(state) {
  const hash = written(state);
  if (hash !== location.hash) history.replaceState(null, "", hash);
}

/**
 * Rows of numbers as an address holds them: 1,-1:0,1.
 * @param {number[][]} grid
 */
export const gridText = (grid) => grid.map((row) => row.join(",")).join(":");

/**
 * The rows of numbers of an address; null where it is no grid of at most `largest` rows and columns.
 * @param {string | undefined} text
 * @param {number} largest
 * @returns {number[][] | null}
 */
export function gridOf(text, largest) {
  if (!text) return null;
  const rows = text.split(":").map((row) => row.split(",").map((part) => (part.trim() === "" ? NaN : Number(part))));
  const even = rows.every((row) => row.length === rows[0].length && row.every(Number.isFinite));
  return even && rows.length <= largest && rows[0].length <= largest ? rows : null;
}

/**
 * @param {string} text
 * @param {string} mark
 */
function splitOnce(text, mark) {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
