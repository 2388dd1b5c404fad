// The hosts besides the server that carry a question to its answer: a notebook's messages, and one file's own store.

/** @typedef {{send: (content: object) => void, on: (event: string, heard: (content: any, buffers: DataView[]) => void) => void}} Model */
/** @typedef {{replies: Record<string, {json?: object, frame?: string}>, missing: string}} Store */

/**
 * A fetcher that asks the notebook's kernel, as `fetch` would ask a server.
 * @param {Model} model the widget's, as anywidget hands it over
 * @returns {(path: string, options: object) => Promise<Response>}
 */
export function overMessages(model) {
  // Every view of a widget hears all messages: each answers to its own numbers only.
  const mine = Math.random().toString(36).slice(2);
  /** @type {Map<string, (response: Response) => void>} */
  const waiting = new Map();
  let count = 0;
  model.on("msg:custom", (content, buffers) => {
    const settle = waiting.get(content.id);
    if (!settle) return;
    waiting.delete(content.id);
    settle(new Response(/** @type {BodyInit} */ (/** @type {unknown} */ (buffers[0])), { status: content.status, headers: { "content-type": content.type } }));
  });
  return (_, options) => new Promise((resolve) => {
    const id = `${mine}-${count += 1}`;
    waiting.set(id, resolve);
    model.send({ id, question: /** @type {{body: string}} */ (options).body });
  });
}

/**
 * A question with its fields in one order, as lab/saved.py writes it.
 * @param {string} body
 */
export function canonical(body) {
  const question = JSON.parse(body);
  return JSON.stringify(Object.fromEntries(Object.keys(question).sort().map((name) => [name, question[name]])));
}

/**
 * A fetcher that finds answers in the file that the page is.
 * @param {Store} store
 * @returns {(path: string, options: object) => Promise<Response>}
 */
export function fromStore(store) {
  return async (_, options) => {
    const key = canonical(/** @type {{body: string}} */ (options).body);
    const found = Object.hasOwn(store.replies, key) ? store.replies[key] : null;
    if (found?.json) return Response.json(found.json);
    if (!found?.frame) return Response.json({ error: store.missing }, { status: 404 });
    const bytes = Uint8Array.from(atob(found.frame), (letter) => letter.charCodeAt(0));
    return new Response(bytes, { headers: { "content-type": "application/octet-stream" } });
  };
}
