// The page of a classifier: pictures are answered for one after the other, and shown. Who answers is the host's
// business, a server or this very file; every number is the host's.

/** @typedef {{label: string, confidence: number, probabilities: Record<string, number>}} Prediction */
/** @typedef {{model: string, classes: string[]}} About */
/** @typedef {{about: () => Promise<About>, answer: (file: File) => Promise<Prediction>}} Host */

const SHOWN = 5; // classes of a picture

/**
 * The most probable classes, the best first.
 * @param {Record<string, number>} probabilities
 * @param {number} most
 * @returns {[string, number][]}
 */
export function best(probabilities, most = SHOWN) {
  return Object.entries(probabilities).sort((one, other) => other[1] - one[1]).slice(0, most);
}

/**
 * A probability as a person reads it.
 * @param {number} share
 */
export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}

/**
 * The first few names of many.
 * @param {string[]} classes
 */
export function named(classes, most = 12) {
  const rest = classes.length - most;
  return `${classes.length} classes: ${classes.slice(0, most).join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} kind
 * @param {string} text
 * @returns {HTMLElementTagNameMap[K]}
 */
function element(kind, text = "") {
  const made = document.createElement(kind);
  made.textContent = text;
  return made;
}

/**
 * The table of the best classes.
 * @param {Prediction} prediction
 */
function table(prediction) {
  const made = element("table");
  for (const [name, share] of best(prediction.probabilities)) {
    const row = made.insertRow();
    const head = element("th", name);
    head.scope = "row";
    const bar = element("meter");
    bar.value = share;
    bar.setAttribute("aria-label", name);
    row.append(head);
    row.insertCell().append(bar);
    const cell = row.insertCell();
    cell.textContent = percent(share);
    cell.className = "share";
  }
  return made;
}

/**
 * One picture's entry in the list.
 * @param {File} file
 */
function entry(file) {
  const item = element("li");
  const picture = element("img");
  picture.src = URL.createObjectURL(file);
  picture.alt = file.name || "the pasted picture";
  picture.addEventListener("load", () => URL.revokeObjectURL(picture.src));
  picture.addEventListener("error", () => picture.replaceWith(element("p", "It cannot be shown.")));
  const answer = element("div");
  answer.append(element("h2", file.name), element("p", "..."));
  item.append(picture, answer);
  return { item, answer };
}

/**
 * Ask about each file in turn; one that cannot be answered for does not stop the others.
 * @param {Host} host
 * @param {File[]} files
 */
async function answerAll(host, files) {
  const list = /** @type {HTMLElement} */ (document.getElementById("answers"));
  const progress = /** @type {HTMLElement} */ (document.getElementById("progress"));
  const entries = files.map(entry);
  list.prepend(...entries.map((one) => one.item));
  for (const [number, file] of files.entries()) {
    progress.textContent = files.length > 1 ? `${number + 1} of ${files.length}` : "";
    const { answer } = entries[number];
    try {
      const prediction = await host.answer(file);
      const said = element("p", `${prediction.label}, ${percent(prediction.confidence)}`);
      answer.lastElementChild?.replaceWith(said, table(prediction));
    } catch (error) {
      const wrong = element("p", error instanceof Error ? error.message : String(error));
      wrong.className = "wrong";
      answer.lastElementChild?.replaceWith(wrong);
    }
  }
  progress.textContent = files.length === 1 ? "" : `${files.length} pictures.`;
}

/** @param {Host} host */
function listen(host) {
  const given = (/** @type {FileList | null | undefined} */ list) => {
    if (list?.length) {
      void answerAll(host, [...list]);
    }
  };
  const input = /** @type {HTMLInputElement} */ (document.getElementById("files"));
  const drop = /** @type {HTMLElement} */ (document.getElementById("drop"));
  input.addEventListener("change", () => {
    given(input.files);
    input.value = "";
  });
  for (const kind of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragover");
    });
  }
  document.addEventListener("drop", (event) => given(event.dataTransfer?.files));
  document.addEventListener("paste", (event) => given(event.clipboardData?.files));
}

/**
 * Put a text where the page has a place for it.
 * @param {string} id
 * @param {string} text
 */
export function put(id, text) {
  const place = document.getElementById(id);
  if (place) {
    place.textContent = text;
    place.hidden = false;
  }
}

/**
 * Say what answers, and answer from now on.
 * @param {Host} host
 */
export async function open(host) {
  listen(host);
  try {
    const about = await host.about();
    put("model", about.model);
    put("classes", named(about.classes));
  } catch (error) {
    put("wrong", error instanceof Error ? error.message : String(error));
  }
}
