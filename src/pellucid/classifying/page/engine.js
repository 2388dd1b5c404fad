// A network's layers in the browser, one picture at a time: float32 numbers in plain arrays. It knows the steps that
// an exported page may hold, as ONNX defines them; what they stand for is not known here.

/** @typedef {{shape: number[], data: Float32Array}} Tensor */
/** @typedef {{op: string, inputs: string[], output: string, [setting: string]: any}} Step */
/** @typedef {{steps: Step[], tensors: Record<string, Tensor>, output: string}} Network */

const COLUMNS = 1024; // of a product's right side at a time: they stay in the processor's cache

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
 * out (M, P) += a (M, K) b (K, P).
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {Float32Array} out
 * @param {number} rows M
 * @param {number} inner K
 * @param {number} columns P
 */
export function product(a, b, out, rows, inner, columns) {
  for (let from = 0; from < columns; from += COLUMNS) {
    const to = Math.min(from + COLUMNS, columns);
    let row = 0;
    for (; row + 4 <= rows; row += 4) {
      const [out0, out1, out2, out3] = [0, 1, 2, 3].map((more) => out.subarray((row + more) * columns + from, (row + more) * columns + to));
      for (let k = 0; k < inner; k++) {
        const [a0, a1, a2, a3] = [a[row * inner + k], a[(row + 1) * inner + k], a[(row + 2) * inner + k], a[(row + 3) * inner + k]];
        const part = b.subarray(k * columns + from, k * columns + to);
        for (let at = 0; at < part.length; at++) {
          const value = part[at];
          out0[at] += a0 * value;
          out1[at] += a1 * value;
          out2[at] += a2 * value;
          out3[at] += a3 * value;
        }
      }
    }
    for (; row < rows; row++) {
      const out0 = out.subarray(row * columns + from, row * columns + to);
      for (let k = 0; k < inner; k++) {
        const a0 = a[row * inner + k];
        const part = b.subarray(k * columns + from, k * columns + to);
        for (let at = 0; at < part.length; at++) {
          out0[at] += a0 * part[at];
        }
      }
    }
  }
}

/** How many places a window has along one side. */
const places = (/** @type {number} */ length, /** @type {number} */ window, /** @type {number} */ stride, /** @type {number} */ pads, dilation = 1) => Math.floor((length + pads - (window - 1) * dilation - 1) / stride) + 1;

/**
 * A convolution: (1, C, H, W) and (F, C / groups, h, w) -> (1, F, H', W').
 * @param {Tensor[]} given input, weight, and perhaps bias
 * @param {Step} step
 * @returns {Tensor}
 */
function convolution([x, weight, bias], step) {
  const [, channels, height, width] = x.shape;
  const [filters, per, high, wide] = weight.shape;
  const [top, left, bottom, right] = step.pads;
  const [[down, across], [dilateDown, dilateAcross]] = [step.strides, step.dilations];
  const rows = places(height, high, down, top + bottom, dilateDown);
  const columns = places(width, wide, across, left + right, dilateAcross);
  const out = { shape: [1, filters, rows, columns], data: new Float32Array(filters * rows * columns) };
  const plane = rows * columns;
  for (let filter = 0; bias && filter < filters; filter++) {
    out.data.fill(bias.data[filter], filter * plane, (filter + 1) * plane);
  }
  const each = filters / step.group; // filters of a group
  const plain = high * wide === 1 && down * across === 1 && top + left + bottom + right === 0;
  for (let group = 0; group < step.group; group++) {
    const some = x.data.subarray(group * per * height * width, (group + 1) * per * height * width);
    const patches = plain ? some : patched(some, per, height, width, step, high, wide, rows, columns);
    const weights = weight.data.subarray(group * each * per * high * wide, (group + 1) * each * per * high * wide);
    product(weights, patches, out.data.subarray(group * each * plane, (group + 1) * each * plane), each, per * high * wide, plane);
  }
  return out;
}

/**
 * What lies under the window at each place: (C h w, H' W'), zeros beyond the edge.
 * @param {Float32Array} x @param {number} channels @param {number} height @param {number} width @param {Step} step
 * @param {number} high @param {number} wide @param {number} rows @param {number} columns
 */
function patched(x, channels, height, width, step, high, wide, rows, columns) {
  const [top, left] = step.pads;
  const [[down, across], [dilateDown, dilateAcross]] = [step.strides, step.dilations];
  const found = new Float32Array(channels * high * wide * rows * columns);
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let i = 0; i < high; i++) {
      for (let j = 0; j < wide; j++) {
        for (let row = 0; row < rows; row++, at += columns) {
          const y = row * down + i * dilateDown - top;
          if (y < 0 || y >= height) {
            continue;
          }
          const start = (channel * height + y) * width;
          for (let column = 0; column < columns; column++) {
            const place = column * across + j * dilateAcross - left;
            if (place >= 0 && place < width) {
              found[at + column] = x[start + place];
            }
          }
        }
      }
    }
  }
  return found;
}

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
  clip: each((value, step) => Math.min(Math.max(value, step.low), step.high)),
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
