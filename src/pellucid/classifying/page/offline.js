// The classifier is in this very file: its numbers stand in the page, and the browser computes. Before it answers for
// anybody, it answers for the pictures that it was given along, and says so if it does not as it should.

import { run } from "./engine.js";
import { open, put } from "./page.js";
import { fitted, normalised } from "./prepare.js";

/** @typedef {import("./prepare.js").Preprocess} Preprocess */
/**
 * @typedef {{model: string, classes: string[], preprocess: Preprocess, temperature: number, input: string, output: string,
 *   steps: import("./engine.js").Step[], tensors: {name: string, shape: number[], from: number, numbers: number}[],
 *   proof: {pixels: string, probabilities: number[]}[]}} Model
 */

const CLOSE = 1e-3; // probabilities that differ by less are the same
const LONG = 12; // milliseconds, after which the page may do other things

/**
 * The bytes behind base64.
 * @param {string} text
 */
function bytes(text) {
  const letters = atob(text);
  const found = new Uint8Array(letters.length);
  for (let at = 0; at < letters.length; at++) {
    found[at] = letters.charCodeAt(at);
  }
  return found;
}

let since = 0;

/** Let the page live, if it has not for a while. */
async function breathe() {
  if (performance.now() - since > LONG) {
    await new Promise((resolve) => setTimeout(resolve));
    since = performance.now();
  }
}

/**
 * softmax(logits / temperature).
 * @param {Float32Array} logits @param {number} temperature
 * @returns {number[]}
 */
export function softmax(logits, temperature) {
  const most = logits.reduce((one, other) => Math.max(one, other), -Infinity);
  const powers = Array.from(logits, (logit) => Math.exp((logit - most) / temperature));
  const sum = powers.reduce((one, other) => one + other, 0);
  return powers.map((power) => power / sum);
}

/**
 * The classifier that stands in the page.
 * @param {Model} model @param {string} numbers its tensors in base64, float32, one behind the other
 */
export function classifier(model, numbers) {
  const all = new Float32Array(bytes(numbers).buffer);
  const tensors = Object.fromEntries(
    model.tensors.map((one) => [one.name, { shape: one.shape, data: all.subarray(one.from, one.from + one.numbers) }]),
  );
  const network = { steps: model.steps, tensors, output: model.output };
  const { height, width, mean } = model.preprocess;

  /**
   * The probabilities of a picture at the network's size.
   * @param {Uint8Array} rgb red, green and blue, side by side
   */
  return async function probabilities(rgb) {
    since = performance.now();
    const input = { shape: [1, mean.length, height, width], data: normalised(rgb, model.preprocess) };
    return softmax((await run(network, model.input, input, breathe)).data, model.temperature);
  };
}

/**
 * Refuse to go on where a picture is not answered for as the run did.
 * @param {Model} model @param {(rgb: Uint8Array) => Promise<number[]>} probabilities
 */
async function prove(model, probabilities) {
  let furthest = 0;
  for (const { pixels, probabilities: expected } of model.proof) {
    const found = await probabilities(bytes(pixels));
    furthest = found.reduce((most, one, at) => Math.max(most, Math.abs(one - expected[at])), furthest);
  }
  if (!(furthest < CLOSE)) {
    throw new Error(`This browser's probabilities differ from the run's by ${furthest.toExponential(0)}, which is too much: it cannot be used here.`);
  }
  return `Checked just now: ${model.proof.length} pictures are answered for as the run did, within ${furthest.toExponential(0)}.`;
}

/**
 * A file's pixels, upright, as they are stored.
 * @param {File} file
 */
async function pixelsOf(file) {
  let picture;
  try {
    picture = await createImageBitmap(file, { colorSpaceConversion: "none", imageOrientation: "from-image" });
  } catch {
    throw new Error("It is not a picture that this browser can read.");
  }
  const canvas = new OffscreenCanvas(picture.width, picture.height);
  const pen = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.fillStyle = "white"; // behind what is transparent
  pen.fillRect(0, 0, picture.width, picture.height);
  pen.drawImage(picture, 0, 0);
  return pen.getImageData(0, 0, picture.width, picture.height);
}

/** Open the page of the model that stands in it. */
export function start() {
  const told = (/** @type {string} */ id) => JSON.parse(document.getElementById(id)?.textContent ?? "null");
  /** @type {Model} */
  const model = told("network");
  const probabilities = classifier(model, told("numbers"));
  const proved = prove(model, probabilities);
  void open({
    about: async () => {
      put("how", await proved);
      return model;
    },
    answer: async (file) => {
      await proved;
      const found = await probabilities(fitted(await pixelsOf(file), model.preprocess));
      const best = found.indexOf(Math.max(...found));
      return {
        label: model.classes[best],
        confidence: found[best],
        probabilities: Object.fromEntries(model.classes.map((name, at) => [name, found[at]])),
      };
    },
  });
}
