// The functions of the page that only compute: run by `node --test`, which tests/lab/test_modules.py starts.

import assert from "node:assert/strict";
import { test } from "node:test";

const page = new URL("../../../src/pellucid/lab/page/", import.meta.url);
const load = (name) => import(new URL(name, page));

const { colour, contrast, css, ink, scaleOf } = await load("palette.js");
const { bracketed, multiplied, short, shorter, summed } = await load("numbers.js");
const { gridOf, gridText, read, written } = await load("state.js");
const { moved, shifted } = await load("grid.js");
const { asker, AskError, onlyLatest } = await load("ask.js");
const { squareOf, weightiest } = await load("arithmetic.js");
const { boxOf, filled, filledPool } = await load("stages.js");
const { cellSide, rgbOf } = await load("map.js");
const { refusal } = await load("upload.js");
const { resized } = await load("filters.js");
const { offsetOf, wordEnd, denseChosen } = await load("network.js");
const { placed } = await load("volumes.js");
const { markTold } = await load("classtest.js");

test("the palette is white at zero, blue below and orange above, alike on both sides", () => {
  assert.deepEqual(colour(0, 1), [255, 255, 255]);
  assert.deepEqual(colour(-1, 1), [33, 102, 172]);
  assert.deepEqual(colour(1, 1), [230, 97, 1]);
  assert.deepEqual(colour(9, 1), colour(1, 1));
  assert.deepEqual(colour(3, 0), [255, 255, 255]);
  assert.equal(css([1, 2, 3]), "rgb(1 2 3)");
});

test("numbers can be read on every colour of the palette", () => {
  for (let part = -100; part <= 100; part++) {
    const background = colour(part, 100);
    assert.ok(contrast(background, ink(background)) >= 4.5, `at ${part} %`);
  }
  assert.equal(contrast([0, 0, 0], [255, 255, 255]), 21);
});

test("a scale is the number furthest from zero", () => {
  assert.equal(scaleOf([[1, -3]], [[2]]), 3);
  assert.equal(scaleOf([]), 0);
});

test("numbers are written with four significant digits", () => {
  const cases = [[0, "0"], [-0, "0"], [-5 / 9, "-0.5556"], [1 / 9, "0.1111"], [1, "1"], [12.3456, "12.35"], [0.5, "0.5"],
    [1234567, "1,234,567"], [1234.56, "1,235"], [1.23456e-7, "1.235e-7"], [2e12, "2e12"], [-1e-5, "-1e-5"], [99999.5, "100,000"]];
  for (const [value, text] of cases) assert.equal(short(value), text);
  assert.equal(shorter(-0.004), "0");
  assert.equal(shorter(-0.5556), "-0.56");
  assert.equal(shorter(198.3), "198");
  assert.equal(bracketed(-2), "(-2)");
});

test("sums and products are written out with their signs", () => {
  assert.equal(summed([-1, 1, -1, 0]), "-1 + 1 - 1 + 0");
  assert.equal(multiplied([{ input: 1, weight: -1 }, { input: -2, weight: 3 }]), "1*(-1) + (-2)*3");
});

test("an address holds what is chosen, and what is wrong in it is left out", () => {
  const state = { room: "network", chosen: { text: "input 8x8x1\nconv 1 2x2; # & =", seed: "" } };
  assert.deepEqual(read(written(state)), { room: "network", chosen: { text: state.chosen.text } });
  assert.equal(written({ room: "filters", chosen: { cell: "map:0,1" } }), "#filters?cell=map:0,1");
  assert.equal(read("#nowhere?x=1").room, "filters");
  assert.equal(read("").room, "filters");
  assert.deepEqual(gridOf(gridText([[1, -1], [0.5, 2]]), 4), [[1, -1], [0.5, 2]]);
  for (const wrong of [undefined, "", "1,2:3", "a", "1,,2", "1:2:3:4:5", "1,2,3,4,5", "Infinity"]) assert.equal(gridOf(wrong, 4), null);
});

test("arrow keys move within the grid and stop at its edges", () => {
  assert.deepEqual(moved({ row: 0, column: 0 }, "ArrowRight", 2, 3), { row: 0, column: 1 });
  assert.deepEqual(moved({ row: 0, column: 0 }, "ArrowUp", 2, 3), { row: 0, column: 0 });
  assert.deepEqual(moved({ row: 1, column: 2 }, "ArrowDown", 2, 3), { row: 1, column: 2 });
  assert.deepEqual(moved({ row: 1, column: 1 }, "Home", 2, 3), { row: 1, column: 0 });
  assert.deepEqual(moved({ row: 1, column: 1 }, "End", 2, 3), { row: 1, column: 2 });
  assert.equal(moved({ row: 0, column: 0 }, "a", 2, 3), null);
});

test("a shifted picture leaves paper behind", () => {
  assert.deepEqual(shifted([[1, 2], [3, 4]], 0, 1, -1), [[-1, 1], [-1, 3]]);
  assert.deepEqual(shifted([[1, 2], [3, 4]], -1, 0, -1), [[3, 4], [-1, -1]]);
});

test("the map fills cell by cell, and a pooled cell when all under its window is there", () => {
  const half = filled([[1, 2], [3, 4]], 3);
  assert.deepEqual(half, [[1, 2], [3, null]]);
  assert.deepEqual(filledPool([[4]], half, 2, 1), [[null]]);
  assert.deepEqual(filledPool([[4]], filled([[1, 2], [3, 4]], Infinity), 2, 1), [[4]]);
  assert.deepEqual(boxOf({ row: 1, column: 2 }, 3, 2, [[1, 1], [0, 1]]), { top: 1, left: 4, rows: 3, columns: 3 });
});

test("a cell of a map has whole pixels", () => {
  assert.equal(cellSide(64, 64), 3);
  assert.equal(cellSide(1, 1000), 1);
  assert.deepEqual(rgbOf({ channels: [[[1]], [[2]], [[3]]], isPicture: true, scale: 255 }, 0, 0), [1, 2, 3]);
  assert.deepEqual(rgbOf({ channels: [[[9]]], isPicture: true, scale: 255 }, 0, 0), [9, 9, 9]);
  assert.deepEqual(rgbOf({ channels: [[[-2]]], isPicture: false, scale: 2 }, 0, 0), [33, 102, 172]);
  assert.deepEqual(rgbOf({ channels: [[[null]]], isPicture: false, scale: 2 }, 0, 0), [128, 128, 128]);
});

test("the largest products come first and the rest is summed", () => {
  const terms = [1, -5, 2, 0].map((product) => ({ product }));
  assert.deepEqual(weightiest(terms, 2), { first: [{ product: -5 }, { product: 2 }], rest: 2, restSum: 1 });
  assert.deepEqual(squareOf([1, 2, 3, 4].map((input) => ({ input })), "input"), [[1, 2], [3, 4]]);
});

test("a filter of another size keeps its middle, and new slices are as the first", () => {
  assert.deepEqual(resized([[[1, 2, 3], [4, 5, 6], [7, 8, 9]]], 1, 1), [[[5]]]);
  assert.deepEqual(resized([[[5]]], 2, 3), Array(2).fill([[0, 0, 0], [0, 5, 0], [0, 0, 0]]));
});

test("a file that is too large or empty is not sent", () => {
  assert.equal(refusal(10, 10), "");
  assert.match(refusal(0, 10), /^The file is empty/);
  assert.equal(refusal(5e9, 25e6), "The file has 5000 MB; at most 25 MB can be looked at. Choose a smaller one.");
});

test("a line and column are found in the text", () => {
  assert.equal(offsetOf("ab\ncde", 2, 3), 5);
  assert.equal(wordEnd("conv 3; x", 5), 6);
  assert.equal(wordEnd("a ", 1), 1);
  assert.deepEqual(denseChosen({ height: "1080", width: "5" }), { height: "", width: "5" });
});

test("volumes of equal shape are drawn equal, and twice the side twice as high", () => {
  const { blocks, side } = placed([[28, 28, 1], [14, 14, 32], [14, 14, 64], [10]], [5, 5, 5, 5]);
  assert.equal(blocks[0].high, 28 * side);
  assert.equal(blocks[0].high, 2 * blocks[1].high);
  assert.equal(blocks[2].thick, 2 * blocks[1].thick);
  assert.ok(blocks.every((block, index) => index === 0 || block.x > blocks[index - 1].x + blocks[index - 1].thick));
  assert.ok(blocks[3].flat && blocks.every((block) => block.y - block.slant >= 0));
});

test("a mark is a sentence", () => {
  assert.equal(markTold({ mark: "right" }), "Right.");
  assert.equal(markTold({ mark: "missing" }), "");
  assert.equal(markTold({ mark: "wrong", right: "5", why: "(2*2*1 + 1)*1 = 5" }), "Not so: 5. (2*2*1 + 1)*1 = 5");
});

const response = (ok, body) => ({ ok, json: async () => body });

test("equal questions are asked once, failed ones again", async () => {
  let asked = 0;
  const ask = asker(async () => (++asked === 1 ? response(false, { error: "no" }) : response(true, { n: asked })));
  await assert.rejects(ask({ a: 1 }), (error) => error instanceof AskError && error.message === "no");
  assert.deepEqual(await ask({ a: 1 }), { n: 2 });
  assert.deepEqual(await ask({ a: 1 }), { n: 2 });
  assert.equal(asked, 2);
});

test("a server that is gone, and one that fails, are told in words", async () => {
  await assert.rejects(asker(async () => { throw new TypeError("x"); })({}), /Pellucid does not answer/);
  await assert.rejects(asker(async () => ({ ok: false, json: async () => JSON.parse("<") }))({}), /Pellucid failed at that question/);
});

test("only the last of overtaking answers counts", async () => {
  const latest = onlyLatest();
  const slow = latest(new Promise((done) => setTimeout(done, 20, "slow")));
  const failed = latest(new Promise((_, no) => setTimeout(no, 10, new Error("late"))));
  assert.equal(await latest(Promise.resolve("quick")), "quick");
  assert.equal(await slow, undefined);
  assert.equal(await failed, undefined);
});
