// A network's layers in the browser, one picture at a time: float32 numbers in plain arrays. It knows the steps that
// an exported page may hold, as ONNX defines them; what they stand for is not known here.

import { convolution, places, product } from "./convolution.js";

/** @typedef {{shape: number[], data: Float32Array}} Tensor */
/** @typedef {{op: string, inputs: string[], output: string, [setting: string]: any}} Step */
/** @typedef {{steps: Step[], tensors: Record<string, Tensor>, output: string}} Network */

/**
 * The network's output for one picture, its steps in order; the page lives on between them.
 * @param {Network} network
 * @param {string} name the input's
 * @param {Tensor} input (1, C, H, W)
 * @param {() => Promise<void>} breathe
 * @returns {Promise<Tensor>}
 */
export async function run(network, name, input, breathe = async () => {}) {
  const known = new Map(Object.entries(network.tensors));
  known.set(name, input);
  const last = new Map(network.steps.flatMap((step, at) => step.inputs.map((one) => [one, at])));
  for (const [at, step] of network.steps.entries()) {
    const given = step.inputs.map((one) => /** @type {Tensor} */ (known.get(one)));
    known.set(step.output, OPERATIONS[step.op](given, step));
    for (const one of step.inputs) {
      if (last.get(one) === at && !(one in network.tensors)) {
        known.delete(one);
      }
    }
    await breathe();
  }
  return /** @type {Tensor} */ (known.get(network.output));
}

/** @param {number[]} shape */
const size = (shape) => shape.reduce((one, other) => one * other, 1);

/**
 * The largest number under each window, or the mean of those that are no padding.
 * @param {boolean} largest
 * @returns {(given: Tensor[], step: Step) => Tensor}
 */
function pooling(largest) {
  return ([x], step) => {
    const [, channels, height, width] = x.shape;
    const [[high, wide], [down, across], [top, left, bottom, right]] = [step.window, step.strides, step.pads];
    const rows = places(height, high, down, top + bottom);
    const columns = places(width, wide, across, left + right);
    const out = { shape: [1, channels, rows, columns], data: new Float32Array(channels * rows * columns) };
    let at = 0;
    for (let channel = 0; channel < channels; channel++) {
      for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++, at++) {
          let [found, count] = [largest ? -Infinity : 0, 0];
          for (let y = Math.max(row * down - top, 0); y < Math.min(row * down - top + high, height); y++) {
            for (let z = Math.max(column * across - left, 0); z < Math.min(column * across - left + wide, width); z++, count++) {
              const value = x.data[(channel * height + y) * width + z];
              found = largest ? Math.max(found, value) : found + value;
            }
          }
          out.data[at] = largest ? found : found / count;
        }
      }
    }
    return out;
  };
}

/**
 * One number a channel: (1, C, H, W) -> (1, C, 1, 1).
 * @param {(values: Float32Array) => number} reduce
 * @returns {(given: Tensor[]) => Tensor}
 */
function whole(reduce) {
  return ([x]) => {
    const [, channels, height, width] = x.shape;
    const data = new Float32Array(channels).map((_, at) => reduce(x.data.subarray(at * height * width, (at + 1) * height * width)));
    return { shape: [1, channels, 1, 1], data };
  };
}

/**
 * Number by number.
 * @param {(value: number, step: Step) => number} change
 * @returns {(given: Tensor[], step: Step) => Tensor}
 */
const each = (change) => ([x], step) => ({ shape: x.shape, data: x.data.map((value) => change(value, step)) });

/**
 * All numbers between two bounds; by far the most frequent step, and twice as fast as ``each``.
 * @param {Tensor[]} given
 * @param {Step} step
 * @returns {Tensor}
 */
function clipped([x], { low, high }) {
  const data = x.data.slice();
  for (let at = 0; at < data.length; at++) {
    const value = data[at];
    if (value < low) {
      data[at] = low;
    } else if (value > high) {
      data[at] = high;
    }
  }
  return { shape: x.shape, data };
}

/**
 * Two tensors number by number; a side of 1 is repeated.
 * @param {(one: number, other: number) => number} join
 * @returns {(given: Tensor[]) => Tensor}
 */
function both(join) {
  return ([one, other]) => {
    if (size(one.shape) === size(other.shape)) {
      return { shape: one.shape.length >= other.shape.length ? one.shape : other.shape, data: one.data.map((value, at) => join(value, other.data[at])) };
    }
    const axes = Math.max(one.shape.length, other.shape.length);
    const [long, wide] = [one, other].map((part) => [...Array(axes - part.shape.length).fill(1), ...part.shape]);
    const shape = long.map((side, axis) => Math.max(side, wide[axis]));
    const data = new Float32Array(size(shape)).map((_, at) => join(one.data[spread(at, shape, long)], other.data[spread(at, shape, wide)]));
    return { shape, data };
  };
}

/**
 * Where a number of the whole shape stands in one some of whose sides are 1.
 * @param {number} at @param {number[]} shape @param {number[]} part
 */
function spread(at, shape, part) {
  let [place, step] = [0, 1];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    place += part[axis] === 1 ? 0 : (at % shape[axis]) * step;
    at = Math.floor(at / shape[axis]);
    step *= part[axis];
  }
  return place;
}

/**
 * A row times a matrix (D, K), and a bias where there is one.
 * @param {Tensor[]} given
 * @returns {Tensor}
 */
function dense([x, weight, bias]) {
  const [inputs, units] = weight.shape;
  const out = { shape: [1, units], data: bias ? bias.data.slice() : new Float32Array(units) };
  product(x.data, weight.data, out.data, 1, inputs, units);
  return out;
}

/**
 * The numbers of a picture in the order height, width, channel, from the order channel, height, width.
 * @param {Tensor[]} given
 * @returns {Tensor}
 */
function channelsLast([x]) {
  const [, channels, height, width] = x.shape;
  const data = new Float32Array(x.data.length).map((_, at) => x.data[(at % channels) * height * width + Math.floor(at / channels)]);
  return { shape: [1, height, width, channels], data };
}

/**
 * The numbers of each channel times one number, plus another.
 * @param {Tensor[]} given input, factors and summands (C,)
 * @returns {Tensor}
 */
function affine([x, factors, summands]) {
  const plane = size(x.shape.slice(2));
  return { shape: x.shape, data: x.data.map((value, at) => value * factors.data[Math.floor(at / plane)] + summands.data[Math.floor(at / plane)]) };
}

/**
 * Zeros around each map.
 * @param {Tensor[]} given
 * @param {Step} step
 * @returns {Tensor}
 */
function padded([x], step) {
  const [, channels, height, width] = x.shape;
  const [top, left, bottom, right] = step.pads;
  const [rows, columns] = [height + top + bottom, width + left + right];
  const out = { shape: [1, channels, rows, columns], data: new Float32Array(channels * rows * columns) };
  for (let row = 0; row < channels * height; row++) {
    const to = (Math.floor(row / height) * rows + top + (row % height)) * columns + left;
    out.data.set(x.data.subarray(row * width, (row + 1) * width), to);
  }
  return out;
}

/** @type {Record<string, (given: Tensor[], step: Step) => Tensor>} */
export const OPERATIONS = {
  conv: convolution,
  maxpool: pooling(true),
  avgpool: pooling(false),
  mean: whole((values) => values.reduce((one, other) => one + other, 0) / values.length),
  max: whole((values) => values.reduce((one, other) => Math.max(one, other), -Infinity)),
  clip: clipped,
  sigmoid: each((value) => 1 / (1 + Math.exp(-value))),
  tanh: each(Math.tanh),
  leaky: each((value, step) => (value < 0 ? value * step.alpha : value)),
  hardsigmoid: each((value, step) => Math.min(Math.max(step.alpha * value + step.beta, 0), 1)),
  hardswish: each((value) => value * Math.min(Math.max(value / 6 + 0.5, 0), 1)),
  add: both((one, other) => one + other),
  sub: both((one, other) => one - other),
  mul: both((one, other) => one * other),
  div: both((one, other) => one / other),
  dense,
  affine,
  channelslast: channelsLast,
  pad: padded,
  flat: ([x]) => ({ shape: [1, x.data.length], data: x.data }),
};
