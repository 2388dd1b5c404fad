// Questions whose answers are large, or change while one looks on: they are asked anew each time and not kept.

import { asker } from "./ask.js";

/** @typedef {import("./ask.js").Reply} Reply */

/**
 * @param {Record<string, unknown>} question
 * @returns {Promise<Reply>}
 */
export const askAnew = (question) => asker((path, options) => fetch(path, options))(question);
