// A person's picture on its way to Python, which decodes it: from the file dialog, or dropped.

/**
 * The bytes of a file in base64.
 * @param {Blob} file
 * @returns {Promise<string>}
 */
export function base64(file) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => {
      const address = /** @type {string} */ (reader.result);
      done(address.slice(address.indexOf(",") + 1));
    };
    reader.onerror = () => failed(new Error("The file cannot be read."));
    reader.readAsDataURL(file);
  });
}

/**
 * Why a file is not sent at all; empty where it may be.
 * @param {number} size
 * @param {number} largest
 */
export function refusal(size, largest) {
  if (size === 0) return "The file is empty. Choose another one.";
  const inMegabytes = (/** @type {number} */ count) => Math.round(count / 1e5) / 10;
  return size <= largest ? "" : `The file has ${inMegabytes(size)} MB; at most ${inMegabytes(largest)} MB can be looked at. Choose a smaller one.`;
}

/**
 * @param {HTMLInputElement} input
 * @param {HTMLElement} place
 * @param {(file: File) => void} take
 */
export function listenForFiles(input, place, take) {
  input.addEventListener("change", () => {
    if (input.files?.[0]) take(input.files[0]);
  });
  for (const name of ["dragover", "dragenter"]) place.addEventListener(name, (event) => {
    event.preventDefault();
    place.classList.add("over");
  });
  place.addEventListener("dragleave", () => place.classList.remove("over"));
  place.addEventListener("drop", (event) => {
    event.preventDefault();
    place.classList.remove("over");
    const file = event.dataTransfer?.files[0];
    if (file) take(file);
  });
}
