// How a question reaches Python and its answer comes back. What is asked is the rooms' business.

/** @typedef {Record<string, any>} Reply */

const KEPT = 400;
const LONGEST_KEPT = 20_000;

/** A question that was not answered; the message is for the person at the page. */
export class AskError extends Error {}

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
    reply = await response.json();
  } catch {
    throw new AskError("Pellucid failed at that question; the terminal it runs in says how.");
  }
  if (!response.ok) throw new AskError(String(reply.error));
  return reply;
}

export const ask = asker((path, options) => fetch(path, options));

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
