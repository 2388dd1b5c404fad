// All digits of the numbers in the room Inside: where they are asked for, and always in what is copied.

import { short } from "./numbers.js";

/**
 * Four digits or all of them, but for the small grids, which have no room.
 * @param {HTMLElement} host
 * @param {boolean} all
 */
export function writeDigits(host, all) {
  for (const one of /** @type {NodeListOf<HTMLElement>} */ (host.querySelectorAll(".number[data-value]"))) {
    if (!one.closest(".matrix")) one.textContent = all ? one.dataset.value ?? "" : short(Number(one.dataset.value));
  }
}

/**
 * A part of a page as text: a line for each row or paragraph, a tab between cells, every number in full.
 * @param {Node} node
 * @returns {string}
 */
export function plainText(node) {
  if (node.nodeType === 3) return node.nodeValue ?? "";
  const name = node.nodeName;
  const inner = /** @type {any} */ (node).dataset?.value ?? [...node.childNodes].map(plainText).join("");
  if (name === "TD" || name === "TH") return `${inner}\t`;
  return /^(TR|P|DIV|LI|H[1-6]|CAPTION)$/.test(name) ? `${inner.trimEnd()}\n` : inner;
}

/** @param {HTMLElement} root */
export function copyInFull(root) {
  root.addEventListener("copy", (event) => {
    const selection = getSelection();
    if (!selection || selection.isCollapsed || !event.clipboardData || event.target instanceof HTMLInputElement) return;
    const range = selection.getRangeAt(0), around = range.commonAncestorContainer;
    const one = (around instanceof Element ? around : around.parentElement)?.closest(".number[data-value]");
    event.clipboardData.setData("text/plain", (one ? plainText(one) : plainText(range.cloneContents())).trimEnd());
    event.preventDefault();
  });
}
