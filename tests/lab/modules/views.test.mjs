// The functions of the room Views that only compute: run by `node --test`, which tests/lab/test_modules.py starts.

import assert from "node:assert/strict";
import { test } from "node:test";

const page = new URL("../../../src/pellucid/lab/page/", import.meta.url);
const load = (name) => import(new URL(name, page));

const { cutOf, shownSize } = await load("tiles.js");
const { corners, formula, stepped } = await load("viewswall.js");
const { labelOf, shapeOf } = await load("viewsplan.js");
const { seedOf } = await load("views.js");

test("a picture is cut from where the sheet says", () => {
  const sheet = { columns: 2, height: 10, width: 20, sizes: [[10, 20], [3, 4], [5, 6]] };
  assert.deepEqual(cutOf(sheet, 0), { top: 0, left: 0, height: 10, width: 20 });
  assert.deepEqual(cutOf(sheet, 1), { top: 0, left: 20, height: 3, width: 4 });
  assert.deepEqual(cutOf(sheet, 2), { top: 10, left: 0, height: 5, width: 6 });
});

test("small pictures are shown in whole multiples of their pixels, large ones as they fit", () => {
  assert.deepEqual(shownSize(28, 28, 144), { height: 140, width: 140, scale: 5 });
  assert.deepEqual(shownSize(224, 112, 112), { height: 112, width: 56, scale: 0.5 });
  assert.deepEqual(shownSize(1, 5000, 100), { height: 1, width: 100, scale: 0.02 });
});

test("arrow keys go from view to view and stay where there is none", () => {
  assert.equal(stepped(0, "ArrowRight", 12, 4), 1);
  assert.equal(stepped(0, "ArrowLeft", 12, 4), 0);
  assert.equal(stepped(1, "ArrowDown", 12, 4), 5);
  assert.equal(stepped(9, "ArrowDown", 12, 4), 9);
  assert.equal(stepped(5, "ArrowUp", 12, 4), 1);
  assert.equal(stepped(5, "Home", 12, 4), 0);
  assert.equal(stepped(5, "End", 12, 4), 11);
  assert.equal(stepped(5, "x", 12, 4), null);
});

test("a row of the matrix is a formula with its signs", () => {
  assert.equal(formula("x'", [0.97, -0.24, 30.123456]), "x' = 0.97 x - 0.24 y + 30.12");
  assert.equal(formula("y'", [0, 1, -2]), "y' = 0 x + 1 y - 2");
});

test("the frame of a view that is as it is goes round the picture", () => {
  assert.deepEqual(corners([[1, 0, 0], [0, 1, 0]], 3, 4), [[-0.5, -0.5], [3.5, -0.5], [3.5, 2.5], [-0.5, 2.5]]);
  assert.deepEqual(corners([[-1, 0, 3], [0, 1, 0]], 3, 4)[0], [3.5, -0.5]);
});

test("sliders are built anew only where there are others", () => {
  const step = (value, parts = 1) => ({ name: "RandomRotation", factors: [{ name: "factor", parts: Array(parts).fill({ value }), choices: [] }] });
  assert.equal(shapeOf([step(0.1)]), shapeOf([step(0.2)]));
  assert.notEqual(shapeOf([step(0.1)]), shapeOf([step(0.1, 2)]));
  assert.notEqual(shapeOf([step(0.1)]), shapeOf([]));
  assert.equal(labelOf("height_factor", 0, 1), "height factor");
  assert.equal(labelOf("factor", 1, 2), "factor, to");
});

test("a seed that is none is 0", () => {
  assert.equal(seedOf("12", 99), 12);
  for (const wrong of ["", "-1", "1.5", "100", "99999999999", "x"]) assert.equal(seedOf(wrong, 99), 0);
});
