// Convolutions and matrix products of float32 numbers in plain arrays, written for what a browser does fast: loops
// over places that are counted, a number fetched once for several uses.

/** @typedef {import("./engine.js").Tensor} Tensor */
/** @typedef {import("./engine.js").Step} Step */

const COLUMNS = 1024; // of a product's right side at a time: they stay in the processor's cache

/**
 * out (M, P) += a (M, K) b (K, P), in tiles of four rows and four summands, so that a number that was fetched
 * serves four times. Places are counted and no views are made: that alone is worth a factor of two.
 * @param {Float32Array} a
 * @param {Float32Array} b
 * @param {Float32Array} out
 * @param {number} rows M
 * @param {number} inner K
 * @param {number} columns P
 */
export function product(a, b, out, rows, inner, columns) {
  const [evenRows, evenInner] = [rows - (rows % 4), inner - (inner % 4)];
  for (let from = 0; from < columns; from += COLUMNS) {
    const width = Math.min(COLUMNS, columns - from);
    for (let row = 0; row < evenRows; row += 4) {
      for (let k = 0; k < evenInner; k += 4) {
        tile(a, row * inner + k, inner, b, k * columns + from, out, row * columns + from, columns, width);
      }
    }
    for (let row = 0; row < rows; row++) {
      for (let k = row < evenRows ? evenInner : 0; k < inner; k++) {
        const [factor, of, to] = [a[row * inner + k], k * columns + from, row * columns + from];
        for (let at = 0; at < width; at++) {
          out[to + at] += factor * b[of + at];
        }
      }
    }
  }
}

/**
 * Four rows of a product, four of the summands of each. ``of``, ``from`` and ``to`` say where the tile begins.
 * @param {Float32Array} a @param {number} of @param {number} inner
 * @param {Float32Array} b @param {number} from
 * @param {Float32Array} out @param {number} to @param {number} columns
 * @param {number} width
 */
function tile(a, of, inner, b, from, out, to, columns, width) {
  const [of1, of2, of3] = [of + inner, of + 2 * inner, of + 3 * inner];
  const [from1, from2, from3] = [from + columns, from + 2 * columns, from + 3 * columns];
  const [to1, to2, to3] = [to + columns, to + 2 * columns, to + 3 * columns];
  const [a00, a01, a02, a03] = [a[of], a[of + 1], a[of + 2], a[of + 3]];
  const [a10, a11, a12, a13] = [a[of1], a[of1 + 1], a[of1 + 2], a[of1 + 3]];
  const [a20, a21, a22, a23] = [a[of2], a[of2 + 1], a[of2 + 2], a[of2 + 3]];
  const [a30, a31, a32, a33] = [a[of3], a[of3 + 1], a[of3 + 2], a[of3 + 3]];
  for (let at = 0; at < width; at++) {
    const b0 = b[from + at];
    const b1 = b[from1 + at];
    const b2 = b[from2 + at];
    const b3 = b[from3 + at];
    out[to + at] += a00 * b0 + a01 * b1 + a02 * b2 + a03 * b3;
    out[to1 + at] += a10 * b0 + a11 * b1 + a12 * b2 + a13 * b3;
    out[to2 + at] += a20 * b0 + a21 * b1 + a22 * b2 + a23 * b3;
    out[to3 + at] += a30 * b0 + a31 * b1 + a32 * b2 + a33 * b3;
  }
}

/** How many places a window has along one side. */
export const places = (/** @type {number} */ length, /** @type {number} */ window, /** @type {number} */ stride, /** @type {number} */ pads, dilation = 1) => Math.floor((length + pads - (window - 1) * dilation - 1) / stride) + 1;

/**
 * A convolution: (1, C, H, W) and (F, C / groups, h, w) -> (1, F, H', W').
 * @param {Tensor[]} given input, weight, and perhaps bias
 * @param {Step} step
 * @returns {Tensor}
 */
export function convolution([x, weight, bias], step) {
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
    const weights = weight.data.subarray(group * each * per * high * wide, (group + 1) * each * per * high * wide);
    const sums = out.data.subarray(group * each * plane, (group + 1) * each * plane);
    if (per * each === 1) {
      slide(some, height, width, step, weights, high, wide, sums, rows, columns);
    } else {
      const patches = plain ? some : patched(some, per, height, width, step, high, wide, rows, columns);
      product(weights, patches, sums, each, per * high * wide, plane);
    }
  }
  return out;
}

/**
 * One kernel over one map, number by number of the kernel: sums (H', W') += what it gives.
 * @param {Float32Array} x @param {number} height @param {number} width @param {Step} step
 * @param {Float32Array} kernel @param {number} high @param {number} wide
 * @param {Float32Array} sums @param {number} rows @param {number} columns
 */
function slide(x, height, width, step, kernel, high, wide, sums, rows, columns) {
  const [top, left] = step.pads;
  const [[down, across], [dilateDown, dilateAcross]] = [step.strides, step.dilations];
  for (let at = 0; at < high * wide; at++) {
    const [factor, moved, shifted] = [kernel[at], Math.floor(at / wide) * dilateDown - top, (at % wide) * dilateAcross - left];
    const first = Math.max(0, Math.ceil(-shifted / across)); // columns at which it meets the map
    const end = Math.min(columns, Math.floor((width - 1 - shifted) / across) + 1);
    for (let row = 0; row < rows; row++) {
      const y = row * down + moved;
      if (y >= 0 && y < height) {
        const [from, to] = [y * width + shifted, row * columns];
        for (let column = first; column < end; column++) {
          sums[to + column] += factor * x[from + column * across];
        }
      }
    }
  }
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
