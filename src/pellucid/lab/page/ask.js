// How a question reaches Python and its answer comes back. What is asked is the rooms' business.

/** @typedef {Record<string, any>} Reply */

const KEPT = 400;
const LONGEST_KEPT = 20_000;

/** A question that was not answered; the message is for the person at the page. */
export class AskError extends Error {
  /** Whether it asked about a picture that Python no longer keeps. */
  forgotten = false;
}

/**
 * A function that asks, and remembers what it was told: equal questions have equal answers.
 * @param {(path: string, options: object) => Promise<Response>} fetcher
 * @returns {(question: Record<string, unknown>) => Promise<Reply>}
 */
export function asker(fetcher) {
  /** @type {Map<string, Promise<Reply>>} */
  const kept = new Map();
  return (question) => {
    const body = JSON.stringify(question);
    const known = kept.get(body);
    if (known) return known;
    const reply = send(fetcher, body);
    if (body.length <= LONGEST_KEPT) {
      kept.set(body, reply);
      reply.catch(() => kept.delete(body));
      if (kept.size > KEPT) kept.delete(/** @type {string} */ (kept.keys().next().value));
    }
    return reply;
  };
}

/**
 * @param {(path: string, options: object) => Promise<Response>} fetcher
 * @param {string} body
 * @returns {Promise<Reply>}
 */
async function send(fetcher, body) {
  let response;
  try {
    response = await fetcher("answer", { method: "POST", headers: { "Content-Type": "application/json" }, body });
  } catch {
    throw new AskError("Pellucid does not answer. If it was closed, start it again: pellucid open");
  }
  let reply;
  try {
    reply = isFrame(response) ? unframed(await response.arrayBuffer()) : await response.json();
  } catch {
    throw new AskError("Pellucid failed at that question; the terminal it runs in says how.");
  }
  if (!response.ok) throw Object.assign(new AskError(String(reply.error)), { forgotten: reply.forgotten === true });
  return reply;
}

/** @param {Response} response */
const isFrame = (response) => response.headers?.get("content-type")?.startsWith("application/octet-stream") ?? false;

/**
 * A reply with bytes in it, as lab/reply.py puts it together: length, JSON, and then the pieces.
 * @param {ArrayBuffer} buffer
 * @returns {Reply}
 */
export function unframed(buffer) {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  let at = 4 + length;
  for (const [name, size] of head.bytes) {
    head.reply[name] = buffer.slice(at, at + size);
    at += size;
  }
  return head.reply;
}

export const ask = asker((path, options) => fetch(path, options));

/**
 * Work that comes faster than it is done: of what waits only the last is done.
 * @template {unknown[]} Given
 * @param {(...given: Given) => Promise<void>} work
 * @returns {(...given: Given) => Promise<void>}
 */
export function hurried(work) {
  /** @type {Given | null} */
  let next = null;
  /** @type {Promise<void> | null} */
  let running = null;
  const run = async () => {
    try {
      while (next) {
        const now = next;
        next = null;
        await work(...now);
      }
    } finally {
      running = null;
    }
  };
  return (...given) => {
    next = given;
    running ??= run();
    return running;
  };
}

/**
 * Work that is done in turn, all of it, whatever comes of the one before.
 * @returns {(work: () => Promise<void>) => Promise<void>}
 */
export function inTurn() {
  let last = Promise.resolve();
  return (work) => (last = last.then(work, work));
}

/**
 * Of questions that overtake one another only the last one's answer counts.
 * @returns {<T>(work: Promise<T>) => Promise<T | undefined>}
 */
export function onlyLatest() {
  let asked = 0;
  return async (work) => {
    const mine = ++asked;
    try {
      const reply = await work;
      return mine === asked ? reply : undefined;
    } catch (error) {
      if (mine === asked) throw error;
      return undefined;
    }
  };
}
