// A picture brought to a network's size as Pellucid's own preprocessing does it: Pillow's antialiased bilinear filter,
// in whole numbers, rows before columns. Pillow chooses which comes first, so that a value may be 1 away from its.

/** @typedef {{height: number, width: number, fit: string, mean: number[], std: number[]}} Preprocess */
/** @typedef {{height: number, width: number, data: Uint8ClampedArray | Uint8Array}} Pixels red, green, blue, anything */

const PRECISION = 2 ** 22; // of Pillow's weights

/**
 * For each place along one side: the first pixel under the filter, and the pixels' weights.
 * @param {number} length @param {number} wanted @param {number} from @param {number} to
 * @returns {{first: number, weights: number[]}[]}
 */
function windows(length, wanted, from, to) {
  const scale = (to - from) / wanted;
  const reach = Math.max(scale, 1);
  return [...Array(wanted).keys()].map((place) => {
    const centre = from + (place + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - reach + 0.5), 0);
    const end = Math.min(Math.trunc(centre + reach + 0.5), length);
    const raw = [...Array(end - first).keys()].map((at) => Math.max(1 - Math.abs((at + first - centre + 0.5) / reach), 0));
    const sum = raw.reduce((one, other) => one + other, 0);
    return { first, weights: raw.map((weight) => Math.trunc((weight / sum) * PRECISION + 0.5)) };
  });
}

/**
 * A box of a picture brought to another size: red, green and blue, side by side.
 * @param {Pixels} pixels
 * @param {number} height @param {number} width
 * @param {number[]} box left, top, right, bottom, in pixels
 * @returns {Uint8Array}
 */
export function resized(pixels, height, width, box = [0, 0, pixels.width, pixels.height]) {
  const across = windows(pixels.width, width, box[0], box[2]);
  const down = windows(pixels.height, height, box[1], box[3]);
  const middle = new Uint8Array(pixels.height * width * 3);
  for (let row = 0; row < pixels.height; row++) {
    across.forEach(({ first, weights }, column) => {
      for (let colour = 0; colour < 3; colour++) {
        let sum = PRECISION / 2;
        for (let at = 0; at < weights.length; at++) {
          sum += weights[at] * pixels.data[(row * pixels.width + first + at) * 4 + colour];
        }
        middle[(row * width + column) * 3 + colour] = Math.min(Math.max(Math.floor(sum / PRECISION), 0), 255);
      }
    });
  }
  const found = new Uint8Array(height * width * 3);
  down.forEach(({ first, weights }, row) => {
    for (let at = 0; at < width * 3; at++) {
      let sum = PRECISION / 2;
      for (let more = 0; more < weights.length; more++) {
        sum += weights[more] * middle[(first + more) * width * 3 + at];
      }
      found[row * width * 3 + at] = Math.min(Math.max(Math.floor(sum / PRECISION), 0), 255);
    }
  });
  return found;
}

/**
 * A picture at the network's size, as its fit says: squashed, on a background, or cut at the centre.
 * @param {Pixels} pixels
 * @param {Preprocess} wanted
 * @returns {Uint8Array} red, green and blue, side by side
 */
export function fitted(pixels, wanted) {
  const { height, width } = wanted;
  if (pixels.height === height && pixels.width === width) {
    return Uint8Array.from({ length: height * width * 3 }, (_, at) => pixels.data[Math.floor(at / 3) * 4 + (at % 3)]);
  }
  if (wanted.fit === "crop") {
    const scale = Math.max(height / pixels.height, width / pixels.width);
    const [high, wide] = [Math.min(height / scale, pixels.height), Math.min(width / scale, pixels.width)];
    const [left, top] = [(pixels.width - wide) / 2, (pixels.height - high) / 2];
    return resized(pixels, height, width, [left, top, left + wide, top + high]);
  }
  if (wanted.fit !== "letterbox") {
    return resized(pixels, height, width);
  }
  const scale = Math.min(height / pixels.height, width / pixels.width);
  const [high, wide] = [pixels.height, pixels.width].map((side) => Math.max(even(side * scale), 1));
  const [top, left] = [Math.floor((height - high) / 2), Math.floor((width - wide) / 2)];
  const inner = resized(pixels, high, wide);
  const found = Uint8Array.from({ length: height * width * 3 }, (_, at) => even(wanted.mean[at % 3] ?? wanted.mean[0]));
  for (let row = 0; row < high; row++) {
    found.set(inner.subarray(row * wide * 3, (row + 1) * wide * 3), ((top + row) * width + left) * 3);
  }
  return found;
}

/**
 * The nearest whole number, the even one of two that are as near: as Python rounds.
 * @param {number} value
 */
function even(value) {
  const near = Math.round(value);
  return Math.abs(value % 1) === 0.5 && near % 2 ? near - 1 : near;
}

/**
 * What the network takes: (channels, height, width), less the mean, divided by the deviation; grey where it sees grey.
 * @param {Uint8Array} rgb
 * @param {Preprocess} wanted
 * @returns {Float32Array}
 */
export function normalised(rgb, wanted) {
  const plane = wanted.height * wanted.width;
  const [channels, found] = [wanted.mean.length, new Float32Array(wanted.mean.length * plane)];
  for (let at = 0; at < plane; at++) {
    const [red, green, blue] = rgb.subarray(at * 3, at * 3 + 3);
    const grey = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >>> 16; // as Pillow's mode L has it
    for (let channel = 0; channel < channels; channel++) {
      const value = channels === 1 ? grey : rgb[at * 3 + channel];
      found[channel * plane + at] = Math.fround(Math.fround(value - wanted.mean[channel]) / Math.fround(wanted.std[channel]));
    }
  }
  return found;
}
